"""fixtures/tokenizer/cases.json: texts and the ids transformers.CLIPTokenizer gives them, over tiny-ip2p's vocabulary.

`ids` are those of `tokenizer(text, truncation=True, max_length=77)`, without padding.
"""

import json
import random
from pathlib import Path

from transformers import CLIPTokenizer

WRITTEN = """
make it a watercolor painting|Make It Night, STRONGLY darker!|  leading and   inner    spaces  |tabs\tand\nlines\r\nmixed
it's I'm we've they're he'll she'd can't 'tis|IT'S I'M WE'VE THEY'RE HE'LL SHE'D CAN'T|it’s a typographic apostrophe|rock'n'roll o'clock ''s 's's s's
don't!'s "quoted" (brackets) [square] {curly} <angle>|wait...what?!?! -- no -> yes => ok|a_b-c d/e\\f g.h,i;j:k|50% off, $3.99 + £2 = €5.49
1234567890 12 345|v2.0-beta3 x1080p 4k|Ⅷ ² ³ ½ ¾ ① ٣٤٥ ०१२ 〇一二 ૧૨|naïve café façade|naïve café decomposed|Ångström Å Å
ГОРОД ночью|ΟΔΟΣ ΣΊΣΥΦΟΣ σοφός|Straße STRASSE ẞ ß|İstanbul ISPARTA ı i̇|ﬁre ﬂood ﬀ ﬃ|ǅ ǈ ǋ Ǆ|Ａｂｃ １２３ fullwidth|𝒜𝓑𝕮 𝟙𝟚𝟛
東京の夜 カタカナ ひらがな|서울의 밤 한국어|한글 jamo|你好，世界！「引用」|ภาษาไทย สวัสดี|हिन्दी देवनागरी क्षत्रिय|বাংলা தமிழ் తెలుగు|العربية مَرْحَبًا|עִבְרִית שָׁלוֹם|ქართული ᲥᲐᲠᲗᲣᲚᲘ|Հայերեն ՀԱՅ|ᏣᎳᎩ ꭰꭱ|Ꭺ
😀 smile 😀😀|👩‍👩‍👧‍👦 family|🇯🇵🇫🇷 flags|👍🏽 thumbs|1️⃣ keycap #️⃣|❤️ vs ❤|🏴󠁧󠁢󠁳󠁣󠁴󠁿|☺︎☺️|a😀b c😀 😀d
zero\u200bwidth\u200bspace|zero\u200dwidth\u200djoiner|non\u00a0breaking\u00a0space|\ufeffbyte order mark|ideographic\u3000space|thin\u2009space hair\u200aspace|next\u0085line|line\u2028sep\u2029para|soft\u00adhyphen|mongolian\u180evowel
bell\u0007 esc\u001b[31m|file\u001csep\u001dgroup\u001erecord\u001funit|vertical\u000btab form\u000cfeed|del\u007f nul\u0000end|replacement \ufffd|private \ue000 use|nonchar \uffff|tag \U000e0041
<|startoftext|>|<|endoftext|>|a <|endoftext|> b|a<|endoftext|>b|<|ENDOFTEXT|> upper|<|endoftext| > broken|<|startoftext|><|endoftext|><|endoftext|>|< |endoftext|>|!!<|endoftext|>??
</w>|a</w> b|w> </|<w>|Ġword Ċ ĉ|hello</w>world|### ***  ___|~~~ ``` |^^^|∑∏√∞≈≠ ←↑→ ½|♪♫ ✓✗ ★☆|“quotes” ‘single’ «guillemets» „low“|… – — ‐ ‑|№ ℃ ™ © ® ℠|€£¥₿ ₹|ªº µ|ʼn ʹ ˈ|ĸ ŉ ǰ|aͅ ᾲ ᾳ|ᾼ ῌ|K Ω Å|Ⓐⓑ Ⅻⅻ|ꙀꙁꙂ|Ȿ ɀ|𐐀𐐨 deseret|Ω ohm
"""


def random_lines(count: int, seed: int) -> list[str]:
    """Random characters of many blocks, with words of the vocabulary between them."""
    chooser = random.Random(seed)
    blocks = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0x97F),
              (0xE00, 0xE7F), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x23FF), (0x3000, 0x30FF), (0x4E00, 0x4FFF),
              (0xAC00, 0xADFF), (0xFB00, 0xFB4F), (0xFE00, 0xFEFF), (0x1F300, 0x1F6FF), (0x1, 0x1F)]
    words = "painting turn the sky into gold it's we've can't night 42 snow, photo! make strongly (darker)".split(" ")

    def piece():
        if chooser.random() < 0.5:
            word = chooser.choice(words)
            return chooser.choice([word, word.upper(), word.title()])
        low, high = chooser.choice(blocks)
        return "".join(chr(chooser.randint(low, high)) for _ in range(chooser.randint(1, 5)))

    separators = [" ", " ", " ", "", "", "'", "  ", "\t", "-", "\u00a0"]
    return ["".join(piece() + chooser.choice(separators) for _ in range(chooser.randint(1, 12))) for _ in range(count)]


def make(folder: Path, tokenizer_folder: Path):
    written = [text for text in WRITTEN.strip().replace("\n", "|").split("|")]
    # A bar is the separator above and also part of the special tokens: those lines are put in whole.
    special = [line for line in WRITTEN.split("\n") if "<|" in line or "|^^^" in line]
    words = "a mountain lake at sunset with wooden houses and people walking under the rain in the street "
    long = [words * 2, words * 8, "x" * 75, "x" * 76, "1" * 74, "1" * 75, "1" * 76, "1" * 200, "é" * 60, "😀 " * 40, "night, " * 60]
    texts = ["", " ", "\n\t ", *written, *special, "a <|endoftext|> b", "a<|endoftext|>b", "<|startoftext|>", "<|ENDOFTEXT|> x", "a <|STARTOFTEXT|> b",
             "<|StartOfText|>", "ΣΑΣ. ΣΑΣ", "\ufeff", "!\ufeff!", "-\ufeff\ufe54-", "line one\nline two\r\nthree\x85four\u2028five",
             "<|endoftext|>", "!!<|endoftext|>??", "<|startoftext|> <|endoftext|> z", *long, *random_lines(250, seed=7)]
    write_cases(folder / "cases.json", CLIPTokenizer.from_pretrained(tokenizer_folder), texts)
    # Stable Diffusion 2 and OpenCLIP pad with "!"; as a special token it is then found inside any text.
    texts = [text for text in texts if "!" in text or "<|" in text][:60]
    write_cases(folder / "cases-pad-with-bang.json", CLIPTokenizer.from_pretrained(tokenizer_folder, pad_token="!"), texts)


def write_cases(path: Path, tokenizer, texts: list[str]):
    cases = [{"text": text, "ids": tokenizer(text, truncation=True, max_length=77).input_ids} for text in texts]
    lines = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")
