/** CloudWatch's metric mathematics on one reading, as far as the program uses it; a series not given has no data. */
export function evaluateExpression(expression: string, series: Readonly<Record<string, number>>): number {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+(\.\d+)?|>=|<=|==|[-+*/<>(),]/g) ?? [];
  if (tokens.join("") !== expression.replaceAll(/\s/g, ""))
    throw new Error(`cannot read the expression ${expression}`);
  let position = 0;
  const peek = () => tokens[position];
  const take = (wanted?: string): string => {
    const token = tokens[position++];
    if (token === undefined || (wanted !== undefined && token !== wanted))
      throw new Error(`expected ${wanted ?? "more"} at ${token ?? "the end"} of ${expression}`);
    return token;
  };
  const levels: readonly Readonly<Record<string, (a: number, b: number) => number>>[] = [
    { OR: (a, b) => Number(a !== 0 || b !== 0) },
    { AND: (a, b) => Number(a !== 0 && b !== 0) },
    {
      ">": (a, b) => Number(a > b),
      "<": (a, b) => Number(a < b),
      ">=": (a, b) => Number(a >= b),
      "<=": (a, b) => Number(a <= b),
      "==": (a, b) => Number(a === b),
    },
    { "+": (a, b) => a + b, "-": (a, b) => a - b },
    { "*": (a, b) => a * b, "/": (a, b) => a / b },
  ];
  const read = (level: number): number => {
    const operators = levels[level];
    if (!operators) return readTerm();
    let left = read(level + 1);
    for (let apply = operators[peek() ?? ""]; apply; apply = operators[peek() ?? ""]) {
      take();
      left = apply(left, read(level + 1));
    }
    return left;
  };
  const readTerm = (): number => {
    const token = take();
    if (token === "(") {
      const value = read(0);
      take(")");
      return value;
    }
    if (/^\d/.test(token)) return Number(token);
    if (peek() !== "(") return series[token] ?? Number.NaN;
    take("(");
    const values = [read(0)];
    while (peek() === ",") {
      take();
      values.push(read(0));
    }
    take(")");
    const [first = Number.NaN, second = Number.NaN, third = Number.NaN] = values;
    if (token === "FILL") return Number.isNaN(first) ? second : first;
    if (token === "IF") return first !== 0 && !Number.isNaN(first) ? second : third;
    throw new Error(`the function ${token} is not known here`);
  };
  const value = read(0);
  if (position !== tokens.length) throw new Error(`cannot read ${expression} from ${peek()}`);
  return value;
}
