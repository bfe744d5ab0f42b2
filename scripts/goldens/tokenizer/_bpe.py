"""Byte-level BPE written from its description, with no library: the independent reference of the token ids.

Pre-tokenizer patterns are scanned by hand, character class by character class, instead of by a regular expression.
"""

import unicodedata

BYTE_CHARS = {}
_next = 256
for _b in range(256):
    if 33 <= _b <= 126 or 161 <= _b <= 172 or 174 <= _b <= 255:
        BYTE_CHARS[_b] = chr(_b)
    else:
        BYTE_CHARS[_b] = chr(_next)
        _next += 1


def is_letter(c):
    return unicodedata.category(c)[0] == "L"


def is_number(c):
    return unicodedata.category(c)[0] == "N"


def is_space(c):
    """White_Space of Unicode; str.isspace has U+001C to U+001F besides."""
    return c.isspace() and not "\x1c" <= c <= "\x1f"


def is_other(c):
    return not (is_letter(c) or is_number(c) or is_space(c))


def run(text, at, holds):
    while at < len(text) and holds(text[at]):
        at += 1
    return at


def spaces(text, at):
    """`\\s+(?!\\S)|\\s+`: all white space, but the last before a word, which belongs to the word."""
    end = run(text, at, is_space)
    return end - 1 if end < len(text) and end - 1 > at else end


def contraction(text, at, fold):
    rest = text[at : at + 3]
    rest = rest.lower() if fold else rest
    for ending in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d"):
        if rest.startswith(ending):
            return at + len(ending)
    return at


def next_gpt2(text, at):
    """The end of the word at `at`, by GPT-2's pattern."""
    end = contraction(text, at, False)
    if end > at:
        return end
    for holds in (is_letter, is_number, is_other):
        start = at + 1 if text[at] == " " else at
        end = run(text, start, holds)
        if end > start:
            return end
    return spaces(text, at)


def next_qwen(text, at):
    """The end of the word at `at`, by Qwen2's pattern: one digit a word, a mark may begin one, breaks end some."""
    end = contraction(text, at, True)
    if end > at:
        return end
    start = at if is_letter(text[at]) or is_number(text[at]) or text[at] in "\r\n" else at + 1
    end = run(text, start, is_letter)
    if end > start:
        return end
    if is_number(text[at]):
        return at + 1
    start = at + 1 if text[at] == " " else at
    end = run(text, start, is_other)
    if end > start:
        return run(text, end, lambda c: c in "\r\n")
    end = run(text, at, is_space)
    # \s*[\r\n]+ gives back white space until a break is last.
    last = max((i for i in range(at, end) if text[i] in "\r\n"), default=-1)
    return last + 1 if last >= 0 else spaces(text, at)


def words(text, scan):
    at = 0
    while at < len(text):
        end = scan(text, at)
        yield text[at:end]
        at = end


def split_digits(text):
    """Each numeric character alone."""
    part = ""
    for c in text:
        if is_number(c):
            if part:
                yield part
            yield c
            part = ""
        else:
            part += c
    if part:
        yield part


class ByteLevelBpe:
    """`tokenizer`: a parsed tokenizer.json of Qwen2's or SmolLM2's form; anything else is refused."""

    def __init__(self, tokenizer):
        model = tokenizer["model"]
        self.vocab = model["vocab"]
        pairs = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(pairs)}
        self.cache = {}
        steps = tokenizer["pre_tokenizer"]["pretokenizers"]
        kinds = [step["type"] for step in steps]
        if kinds == ["Split", "ByteLevel"] and tokenizer["normalizer"] == {"type": "NFC"}:
            assert steps[0]["behavior"] == "Isolated" and "\\p{N}| " in steps[0]["pattern"]["Regex"]
            self.words = lambda text: words(unicodedata.normalize("NFC", text), next_qwen)
        elif kinds == ["Digits", "ByteLevel"] and tokenizer["normalizer"] is None:
            assert steps[0]["individual_digits"] and not steps[1]["add_prefix_space"]
            self.words = lambda text: (w for part in split_digits(text) for w in words(part, next_gpt2))
        else:
            raise ValueError(f"not of a known form: {kinds}")

    def encode(self, text):
        """Ids of a text without special tokens, neither in nor around it."""
        return [i for word in self.words(text) for i in self.word(word)]

    def word(self, word):
        if word not in self.cache:
            parts = [BYTE_CHARS[b] for b in word.encode()]
            while len(parts) > 1:
                ranked = [(self.ranks.get(pair, len(self.ranks)), i) for i, pair in enumerate(zip(parts, parts[1:]))]
                rank, i = min(ranked)
                if rank == len(self.ranks):
                    break
                parts[i : i + 2] = [parts[i] + parts[i + 1]]
            self.cache[word] = [self.vocab[part] for part in parts]
        return self.cache[word]
