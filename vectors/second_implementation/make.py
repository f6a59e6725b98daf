"""The second implementation: every construction of this project, written again from the specifications.

    python3 make.py            writes the files of OUTPUTS in ../data
    python3 make.py --check    compares those files, and recomputes every published vector in ../data

It shares nothing with the Rust crates but the documents. Keys come from SHA-256 of a label, so a run is repeatable.
"""
import pathlib
import sys
import tomllib

from constructions import MAKE
from key_master import exports, wraps
from orders import orders
from own_orders import new_kinds, own_cipher, transactions

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
# Secure channels, secured packets, the toolkit, files and card management are published whole, by other implementations and real cards: no third one is needed.
ELSEWHERE = ("scp02_", "scp03_", "toolkit_", "command_packet", "response_packet", "uicc_", "gp_")
TEXT = {"name", "source", "result", "note", "direction", "command", "method", "target", "block_cipher"}


def triple_des():
    yield from orders()
    for fields in transactions("des"):
        yield fields["kind"], fields["name"], fields
    yield from new_kinds("des")
    yield from wraps()
    yield from exports("des")


def sm4_and_aes():
    for cipher in "sm4", "aes":
        yield from own_cipher(cipher)
        for fields in transactions(cipher):
            yield fields["kind"], fields["name"], fields
        yield from new_kinds(cipher)
        yield from exports(cipher)


OUTPUTS = {"second_implementation.toml": triple_des, "second_implementation_sm4_aes.toml": sm4_and_aes}


def merge(inputs, outputs):
    both = inputs | outputs
    nested = {k: merge(inputs[k], outputs[k]) for k in both if isinstance(inputs.get(k), dict) and k in outputs}
    return both | nested


def text(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(text, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value if isinstance(value, str) else value.hex().upper()}"'


def emit(made):
    lines = ["# Written by second_implementation/make.py: change that, never this."]
    for kind, name, inputs in made():
        inputs = {k: v for k, v in inputs.items() if k not in ("kind", "name")}
        head = {"name": name, "source": "second implementation: make.py", "result": "valid"}
        vector = head | merge(inputs, MAKE[kind](inputs))
        nested = {k: vector.pop(k) for k in list(vector) if isinstance(vector[k], dict)}
        lines += ["", f"[[{kind}]]"] + [f"{k} = {text(v)}" for k, v in vector.items()]
        for table, fields in nested.items():
            lines += [f"[{kind}.{table}]"] + [f"{k} = {text(v)}" for k, v in fields.items()]
    return "\n".join(lines) + "\n"


def parse(value, field=None):
    if isinstance(value, dict):
        return {k: parse(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [parse(v) for v in value]
    return bytes.fromhex(value) if isinstance(value, str) and field not in TEXT else value


def differences(printed, computed):
    """Fields that both have and that differ, but for the Le some sources leave out."""
    for field in printed.keys() & computed.keys():
        a, b = printed[field], computed[field]
        if isinstance(a, dict):
            yield from differences(a, b)
        elif a != b and a + b[-1:] != b and b + a[-1:] != a:
            yield f"{field}: printed {a.hex()}, computed {b.hex()}"


def check():
    good = True
    for name, made in OUTPUTS.items():
        same = (DATA / name).read_text() == emit(made)
        good = good and same
        print(f"{name}: {'as computed' if same else 'DIFFERS'}")
    for path in sorted(DATA.glob("*.toml")):
        count = 0
        for kind, vectors in tomllib.loads(path.read_text()).items():
            if kind.startswith(ELSEWHERE):
                print(f"{path.name}: {len(vectors)} of {kind} left to card and host")
                continue
            for vector in map(parse, vectors):
                found = sorted(differences(vector, MAKE[kind](vector)))
                if bool(found) == (vector["result"] == "valid"):
                    good = False
                    print(f"{path.name}, {vector['name']}: {'; '.join(found) or 'is valid after all'}")
                count += 1
        print(f"{path.name}: {count} vectors recomputed")
    return good


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if check() else 1)
    for name, made in OUTPUTS.items():
        (DATA / name).write_text(emit(made))
