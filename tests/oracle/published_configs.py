"""fixtures/published-configs: the configs that versions of diffusers and transformers write to a model folder.

    python tests/oracle/published_configs.py FOLDER [diffusers | transformers]

FOLDER keeps what is downloaded. diffusers' classes are read from the source in its wheels, so torch is not needed: a saved
config holds exactly the arguments of an `__init__` under `@register_to_config`. transformers' configs are saved by each version itself,
which needs no torch either.

diffusers.json: `schedulers` and `networks`, per class and key the defaults as [first version, value], without a value where the
key is gone, and `pipelines`, per class the classes of its UNet, transformer and first text encoder. clip.json: the configs that each version of
transformers saves, each with the versions that save the same. {"python": "-Infinity"} stands for a token that is not JSON.
"""

import ast
import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path

OUT = Path(__file__).parent.parent / "fixtures/published-configs"
DIFFUSERS = """0.12.1 0.13.1 0.14.0 0.15.1 0.16.1 0.17.1 0.18.2 0.19.3 0.21.4 0.22.3 0.23.1 0.24.0 0.25.1 0.26.3 0.27.2 0.28.2
0.29.2 0.30.3 0.31.0 0.32.2 0.33.1 0.34.0 0.35.2 0.36.0 0.37.1 0.38.0 0.39.0 0.42.1""".split()
TRANSFORMERS = "4.25.1 4.57.6 5.24.0".split()
NETWORKS = ("UNet2DConditionModel", "AutoencoderKL", "AutoencoderTiny")
# Versions whose pipelines are read, and the components that tell families apart.
PIPELINES = "0.12.1 0.21.4 0.30.3 0.42.1".split()
TELLING = ("unet", "transformer", "text_encoder")

# The towers of CLIP ViT-L/14 and of Stable Diffusion XL's second encoder, where they differ from transformers' defaults.
TEXT_L = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "projection_dim": 768}
TEXT_G = {
    "hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20, "num_hidden_layers": 32, "projection_dim": 1280,
    "hidden_act": "gelu",
}
VISION_L = {
    "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14,
    "projection_dim": 768,
}
SAVE = """
import json, sys
from transformers import CLIPConfig, CLIPTextConfig, CLIPVisionConfig
text_l, text_g, vision_l = json.loads(sys.argv[1])
saved = {
    "text defaults": CLIPTextConfig(), "text L/14": CLIPTextConfig(**text_l), "text bigG": CLIPTextConfig(**text_g),
    "vision defaults": CLIPVisionConfig(), "vision L/14": CLIPVisionConfig(**vision_l), "clip defaults": CLIPConfig(),
    "clip L/14": CLIPConfig(text_config=text_l, vision_config=vision_l, projection_dim=768),
}
every = CLIPConfig(text_config=text_l, vision_config=vision_l, projection_dim=768).to_dict()
print(json.dumps({"every key": every, **{name: json.loads(config.to_json_string()) for name, config in saved.items()}}))
"""


def pip(*words: str):
    subprocess.run([sys.executable, "-m", "pip", "-q", *words], check=True)


def wheel(folder: Path, version: str) -> zipfile.ZipFile:
    if not list(folder.glob(f"diffusers-{version}-*.whl")):
        pip("download", "--no-deps", f"diffusers=={version}", "-d", str(folder))
    return zipfile.ZipFile(next(folder.glob(f"diffusers-{version}-*.whl")))


def value(node: ast.expr | None):
    """A default as the config has it: tuples are lists in JSON, and infinity is a token that JSON lacks."""
    source = ast.unparse(node)
    try:
        made = eval(source, {"__builtins__": {"float": float}})
    except (NameError, AttributeError):
        return {"python": json.dumps(source)}
    return {"python": json.dumps(made)} if isinstance(made, float) and not math.isfinite(made) else json.loads(json.dumps(made))


def initializer(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next((f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)


def arguments(function: ast.FunctionDef) -> list[tuple[ast.arg, ast.expr | None]]:
    spec = function.args
    named = (spec.posonlyargs + spec.args)[1:]
    defaults = [None] * (len(named) - len(spec.defaults)) + spec.defaults
    return [*zip(named, defaults), *zip(spec.kwonlyargs, spec.kw_defaults)]


def classes(source: zipfile.ZipFile, folder: str):
    for name in sorted(source.namelist()):
        if name.startswith(f"diffusers/{folder}/") and name.endswith(".py") and "flax" not in name:
            for node in ast.parse(source.read(name)).body:
                if isinstance(node, ast.ClassDef) and (function := initializer(node)):
                    yield node, function


def registered(source: zipfile.ZipFile, folder: str) -> dict[str, dict]:
    found = {}
    for node, function in classes(source, folder):
        if any(isinstance(d, ast.Name) and d.id == "register_to_config" for d in function.decorator_list):
            found[node.name] = {arg.arg: value(default) for arg, default in arguments(function) if default is not None}
    return found


def pipelines(source: zipfile.ZipFile) -> dict[str, dict[str, str]]:
    found = {}
    for node, function in classes(source, "pipelines"):
        if node.name.endswith("Pipeline") and node.name != "DiffusionPipeline":
            annotations = {arg.arg: ast.unparse(arg.annotation) for arg, _ in arguments(function) if arg.annotation}
            found[node.name] = {
                name: kind.removeprefix("Optional[").removeprefix("Union[").split(",")[0].split(" |")[0].rstrip("]").strip("'")
                for name, kind in annotations.items()
                if name in TELLING
            }
    return found


def history(by_version: dict[str, dict[str, dict]]) -> dict[str, dict[str, list]]:
    """{version: {class: {key: default}}} → {class: {key: [[first version, default], …]}}."""
    changes: dict[str, dict[str, list]] = {}
    for version, found in by_version.items():
        for name in {*found, *changes}:
            known = changes.setdefault(name, {})
            for key in {*found.get(name, {}), *known}:
                entry = [version, found[name][key]] if key in found.get(name, {}) else [version]
                if not known.get(key) or known[key][-1][1:] != entry[1:]:
                    known.setdefault(key, []).append(entry)
    return {name: dict(sorted(keys.items())) for name, keys in sorted(changes.items())}


def write(name: str, content: dict):
    """One line for each class."""
    command = "python tests/oracle/published_configs.py FOLDER"
    lines = [f'{json.dumps("generated by")}: {json.dumps(command)}']
    for part, entries in content.items():
        if isinstance(entries, dict):
            inner = ",\n  ".join(f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items())
            lines.append(f"{json.dumps(part)}: {{\n  {inner}\n }}")
        else:
            lines.append(f"{json.dumps(part)}: {json.dumps(entries)}")
    OUT.mkdir(exist_ok=True)
    (OUT / name).write_text("{\n " + ",\n ".join(lines) + "\n}\n")


def read_diffusers(folder: Path):
    schedulers, networks, indexes = {}, {}, {}
    for version in DIFFUSERS:
        source = wheel(folder, version)
        schedulers[version] = registered(source, "schedulers")
        networks[version] = {name: keys for name, keys in registered(source, "models").items() if name in NETWORKS}
        if version in PIPELINES:
            indexes |= pipelines(source)
    content = {"schedulers": history(schedulers), "networks": history(networks), "pipelines": dict(sorted(indexes.items()))}
    write("diffusers.json", {"versions": DIFFUSERS, **content})


def read_transformers(folder: Path):
    saved: dict[str, list] = {}
    for version in TRANSFORMERS:
        target = folder / f"transformers-{version}"
        if not target.exists():
            pip("install", "--target", str(target), f"transformers=={version}")
        words = [sys.executable, "-c", SAVE, json.dumps([TEXT_L, TEXT_G, VISION_L])]
        environment = {"PYTHONPATH": str(target), "PATH": "/usr/bin:/bin"}
        answer = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
        for name, config in json.loads(answer.splitlines()[-1]).items():
            config.pop("transformers_version", None)
            entries = saved.setdefault(name, [])
            same = next((entry for entry in entries if entry["config"] == config), None)
            if same:
                same["versions"].append(version)
            else:
                entries.append({"versions": [version], "config": config})
    write("clip.json", {"versions": TRANSFORMERS, "saved": saved})


def main():
    folder, *only = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    if not only or "diffusers" in only:
        read_diffusers(Path(folder))
    if not only or "transformers" in only:
        read_transformers(Path(folder))


if __name__ == "__main__":
    main()
