"""Ports are small, and each ships an implementation for tests in adapters.memory."""

import ast
import importlib
import inspect
import pkgutil
import re
from typing import Protocol

import pytest
from typing_extensions import get_protocol_members, is_protocol

from autopublisher.ports.repositories import UnitOfWork

MOST_METHODS = 6


def classes_below(package_name: str) -> list[type]:
    """Return the classes defined in a package's modules."""
    package = importlib.import_module(package_name)
    names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package_name}.")]
    modules = [package, *map(importlib.import_module, names)]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__
    ]


def ports() -> list[type]:
    """Return the Protocols of autopublisher.ports that an adapter's class has to provide.

    A Protocol of `__call__` alone describes a function, such as an adapter's constructor.
    """
    protocols = [kind for kind in classes_below("autopublisher.ports") if is_protocol(kind)]
    return [kind for kind in protocols if get_protocol_members(kind) != {"__call__"}]


def public_methods(port: type) -> set[str]:
    """Return the methods a port adds: one that combines smaller ports asks for nothing of its own."""
    return {
        name for name, value in vars(port).items() if inspect.isfunction(value) and not name.startswith("_")
    }


def own_names(kind: type) -> set[str]:
    """Return what a class provides itself: inheriting from a Protocol provides nothing."""
    providers = [base for base in kind.__mro__ if not is_protocol(base) and base is not object]
    declared = {name for base in providers for name in (*vars(base), *inspect.get_annotations(base))}
    return declared.union(*map(assigned_attributes, providers))


def assigned_attributes(kind: type) -> set[str]:
    """Return the attributes a class gives its objects by `self.name = ...`."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # a class made at run time has no source
        return set()
    return set(re.findall(r"\bself\.(\w+)(?:: [^=\n]+)? = ", source))


def implements(kind: type, port: type) -> bool:
    """Tell whether a class provides every member of a port."""
    return get_protocol_members(port) <= own_names(kind)


def test_there_are_ports() -> None:
    assert ports()


def test_no_port_asks_for_more_than_six_methods() -> None:
    sizes = {port.__qualname__: len(public_methods(port)) for port in ports()}
    assert {name: size for name, size in sizes.items() if size > MOST_METHODS} == {}


@pytest.mark.slow
def test_every_port_has_an_implementation_in_memory() -> None:
    adapters = classes_below("autopublisher.adapters.memory")
    lacking = [port.__qualname__ for port in ports() if not any(implements(kind, port) for kind in adapters)]
    assert lacking == []


def test_what_a_unit_of_work_holds_is_called_a_repository() -> None:
    held = inspect.get_annotations(UnitOfWork, eval_str=True).values()
    assert len(held) > 10
    assert [kind.__name__ for kind in held if not kind.__name__.endswith("Repository")] == []


@pytest.fixture
def port() -> type:
    class Door(Protocol):
        def open(self) -> None: ...
        def close(self) -> None: ...

    return Door


def test_a_class_with_all_methods_implements_a_port(port: type) -> None:
    assert implements(type("Gate", (), {"open": print, "close": print}), port)


def test_an_attribute_set_by_the_constructor_is_provided() -> None:
    class Room(Protocol):
        door: str

    class Kitchen:
        def __init__(self) -> None:
            self.door = "open"

    assert implements(Kitchen, Room)


def test_a_class_that_only_inherits_from_a_port_does_not_implement_it(port: type) -> None:
    assert not implements(type("Gate", (port,), {"open": print}), port)


def test_every_adapter_names_a_port_that_there_is(modules: dict[str, ast.Module]) -> None:
    docs = [
        ast.get_docstring(node) or ""
        for path, tree in modules.items()
        if path.startswith("adapters/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    named = {name for doc in docs for name in re.findall(r"Implements ``(ports\.[\w.]+)``", doc)}
    defined = {
        f"{path.removesuffix('.py').replace('/', '.')}.{node.name}"
        for path, tree in modules.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    assert len(named) > 20
    assert named - defined == set()
