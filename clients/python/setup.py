"""Makes the stubs of the contract while the package is built: they are in the installed package, and never in git."""

from importlib.resources import files
from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
CONTRACT = ("runlane/v1/types.proto", "runlane/v1/execution.proto")


def contract() -> Path:
    """The folder of the contract: beside this file in a source distribution, at the top of a checkout."""
    for folder in (HERE / "proto", HERE.parent.parent / "proto"):
        if all((folder / name).is_file() for name in CONTRACT):
            return folder
    raise SystemExit("proto/runlane/v1 is not there: build from a whole checkout, with pip 21.3 or newer")


class BuildWithStubs(build_py):
    def run(self) -> None:
        super().run()
        self.make_stubs(HERE / "src" if self.editable_mode else Path(self.build_lib))

    def make_stubs(self, folder: Path) -> None:
        # Not above: a source distribution is made without it.
        from grpc_tools import protoc

        ways = [f"--proto_path={contract()}", f"--proto_path={files('grpc_tools') / '_proto'}"]
        outputs = [f"--{kind}_out={folder}" for kind in ("python", "pyi", "grpc_python")]
        if protoc.main(["protoc", *ways, *outputs, *CONTRACT]) != 0:
            raise SystemExit("the stubs could not be made")


class SdistWithContract(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        for name in CONTRACT:
            target = Path(base_dir, "proto", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            copyfile(contract() / name, target)


setup(cmdclass={"build_py": BuildWithStubs, "sdist": SdistWithContract})
