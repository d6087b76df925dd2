"""Which runbooks a command is about: files, folders, ids of the library, or nothing said."""

from pathlib import Path


def runbook_files(paths: list[Path] | None) -> list[Path]:
    """The runbook files that the words of a command line name, each once, in their order.

    Raises:
        NotFound: a folder without a runbook, or no such file or id.
    """
    from watchfloor.client.errors import NotFound
    from watchfloor.client.library import find_runbook

    files: list[Path] = []
    for path in paths or [default_folder()]:
        if path.is_dir():
            inside = sorted(path.rglob("runbook.yaml"))
            if not inside:
                raise NotFound(f"no runbook.yaml below `{path}`; name the file itself if it is called otherwise")
            files += inside
        else:
            files.append(find_runbook(str(path)))
    return list(dict.fromkeys(files))


def default_folder() -> Path:
    """`runbooks/` here, else the shipped library."""
    from watchfloor.client.library import library_folder

    here = Path("runbooks")
    return here if here.is_dir() else library_folder()


def shown(file: Path) -> str:
    """The path as a reader would type it from here."""
    return str(file.relative_to(Path.cwd())) if file.is_absolute() and file.is_relative_to(Path.cwd()) else str(file)
