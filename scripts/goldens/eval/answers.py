"""
What each data set's own evaluation says of awkward answers, for src/contract/answer-rules.ts. The rules are written here
from their sources' regular expressions and comparisons:
- gsm8k: openai/grade-school-math, dataset.py: search "#### (\\-?[0-9\\.\\,]+)", commas removed, equality of strings;
- last-number: CODI, test.py: commas removed, findall "-?\\d+\\.?\\d*", the last one as a float, equality;
- gsm-hard: the same number; PAL, gsm_eval.py: |a - b| < 1e-3;
- first-number: adaptive latent reasoning's code, behind its prompt: commas removed, search "-?(?:\\d+(?:\\.\\d+)?|\\.\\d+)" as a
  float, |a - b| < 1e-6;
- coconut: facebookresearch/coconut, run.py: split("#")[-1], commas removed, stripped, equality of strings;
- letter: CODI, test.py: split("The answer is:")[-1], stripped, its first character; what is not A to E is no answer.

python3 scripts/goldens/eval/answers.py
"""

import json
import re
from pathlib import Path

OUT = Path(__file__).resolve().parents[3] / "src/contract/answer-rules.golden.json"


def gsm8k(text):
    found = re.search(r"#### (\-?[0-9\.\,]+)", text)
    return found.group(1).strip().replace(",", "") if found else None


def last_number(text):
    found = re.findall(r"-?\d+\.?\d*", text.replace(",", ""))
    return float(found[-1]) if found else None


def first_number(text):
    found = re.search(r"-?(?:\d+(?:\.\d+)?|\.\d+)", text.replace(",", ""))
    return float(found.group()) if found else None


def coconut(text):
    return text.split("#")[-1].replace(",", "").strip() or None


def letter(text):
    rest = text.split("The answer is:")[-1].strip()
    return rest[0] if rest and rest[0] in "ABCDE" else None


def right(rule, text, reference):
    if rule == "gsm8k":
        return gsm8k(text) is not None and gsm8k(text) == reference.replace(",", "")
    if rule in ("last-number", "gsm-hard"):
        a, b = last_number(text), last_number(reference)
        if a is None or b is None:
            return False
        return a == b if rule == "last-number" else abs(a - b) < 1e-3
    if rule == "first-number":
        a, b = first_number(text), last_number(reference)
        return a is not None and b is not None and abs(a - b) < 1e-6
    if rule == "coconut":
        return coconut(text) is not None and coconut(text) == reference.replace(",", "").strip()
    return letter(text) is not None and letter(text) == reference


VALUE = {
    "gsm8k": gsm8k,
    "last-number": last_number,
    "gsm-hard": last_number,
    "first-number": first_number,
    "coconut": coconut,
    "letter": letter,
}

NUMBERS = [
    ("1,000", "1000"),
    ("1,234,567.50", "1234567.5"),
    ("$5", "5"),
    ("-3", "-3"),
    ("- 3", "-3"),
    ("-$3", "-3"),
    ("3.0", "3"),
    ("3", "3.0"),
    ("1/2", "0.5"),
    ("1/2", "2"),
    ("72.", "72"),
    ("72, then", "72"),
    ("5 apples", "5"),
    ("5 apples and 3 pears", "3"),
    ("5 apples and 3 pears", "5"),
    ("$1,234.50.", "1234.5"),
    ("3-1", "3"),
    ("50%", "50"),
    ("50 %", "50"),
    ("0.5000000001", "0.5"),
    ("3244047.1", "3244047.0999999996"),
    (".5", "0.5"),
    ("-.5", "-0.5"),
    ("5-3", "3"),
    ("1e5", "100000"),
    ("007", "7"),
    ("", "0"),
    ("none", "0"),
]
CASES = [
    *((frame.format(text), reference) for text, reference in NUMBERS for frame in ("#### {}", "The answer is: {}")),
    ("12 + 3 = 15\n#### 15\nQuestion: next\n#### 16", "15"),
    ("12 + 3 = 15\n#### 15\nQuestion: next\n#### 16", "16"),
    ("####15", "15"),
    ("<<48/2=24>> <<48+24=72>> #### 72", "72"),
    ("<<48/2=24>>24, so 72 #### 1,072 ", "1072"),
    ("Tom is a terpus. ### Tom is a lempus.", "Tom is a lempus."),
    ("### Tom is a lempus", "Tom is a lempus."),
    ("Tom is a lempus.", "Tom is a lempus."),
    ("### 72 ,", "72"),
    ("### , 72", "72"),
    ("### Tom, is a lempus. , ,", "Tom is a lempus."),
    ("### ,", "72"),
    ("The answer is: B", "B"),
    ("The answer is:C. because", "C"),
    ("A or B? The answer is: D", "D"),
    ("B", "B"),
    ("The answer is: b", "B"),
    ("The answer is: (B)", "B"),
    ("The answer is:", "C"),
]

rows = [
    {"text": text, "reference": reference, "rule": rule, "value": VALUE[rule](text), "right": right(rule, text, reference)}
    for text, reference in CASES
    for rule in VALUE
]
OUT.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")
print(f"{len(rows)} cases, {sum(row['right'] for row in rows)} of them right")
