"""Where EmoGAN's configuration lies."""

from pathlib import Path


def config_dir() -> str:
    """Absolute path of the configs: emogan/conf in an installed wheel, conf beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    packed = package / "conf"
    return str(packed if packed.is_dir() else package.parent / "conf")
