/** Wraps a port and counts each call under `kind.method`. */
export function countCalls<Port extends object>(port: Port, kind: string, calls: Map<string, number>): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        const key = `${kind}.${String(name)}`;
        calls.set(key, (calls.get(key) ?? 0) + 1);
        return Reflect.apply(value, target, given);
      };
    },
  });
}
