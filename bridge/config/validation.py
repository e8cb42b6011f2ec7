"""Is it acceptable? Values against a model; what is refused is told without quoting a value."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bridge.config.sources import PREFIX, Given, Key, Problem, dotted, refuse, variable

ModelT = TypeVar("ModelT", bound=BaseModel)


def accept(
    model: type[ModelT], given: Given, *, extra: Literal["forbid"] | None = "forbid"
) -> ModelT:
    """The values as `model`; unknown keys are refused whatever the model says, unless `extra`.

    The context of the model's own validators is `given`.

    Raises:
        ConfigurationError: one message with everything that is wrong.
    """
    tree = given.tree(lambda key: _is_secret(model, key))
    try:
        return model.model_validate(tree, extra=extra, context=given)
    except ValidationError as error:
        problems = [_problem(model, given, details) for details in error.errors()]
    # Raised out here so that pydantic's error, which holds the values, does not hang on to ours.
    refuse(problems)
    raise AssertionError("a validation error names at least one problem")


def own(given: Given, model: type[BaseModel]) -> Given:
    """What of an adapter's table its plug-in sees: `type` if it asks, no other key of ours."""
    ours = {("isolation",), ("keep",), ("deletions",)}
    if "type" not in model.model_fields:
        ours.add(("type",))
    values = {key: value for key, value in given.values.items() if key not in ours}
    return Given(given.file, values, given.at)


def _problem(model: type[BaseModel], given: Given, details: ErrorDetails) -> Problem:
    key = tuple(part for part in details["loc"] if part != "[key]")
    place = given.place(key)
    what = f"{dotted((*given.at, *key)) or 'the configuration'} ({place})"
    match details["type"]:
        case "missing":
            return Problem(what, "is missing", _ways(model, given, key))
        case "extra_forbidden":
            return Problem(what, "is not a known key", _nearest(model, given, key))
        case "tuple_type" if place == given.file and (*given.at, *key) not in given.values:
            # A table stands where a list of tables is meant: one pair of brackets is missing.
            return Problem(what, "is not a list", f"write [[{dotted((*given.at, *key))}]]")
        case _:
            return Problem(what, _without_secrets(model, given, _cause(details)))


def _ways(model: type[BaseModel], given: Given, key: Key) -> str:
    """How to give what is missing: a secret has three ways, in a list there is only one."""
    whole = (*given.at, *key)
    entry = next((at for at, part in enumerate(key) if isinstance(part, int)), None)
    if entry is not None:
        return f"add it to that entry of {dotted((*given.at, *key[:entry]))}"
    if not _is_secret(model, key):
        return f"write it in {given.file} or set {variable(whole)}{_misnamed(given, key[:-1])}"
    name = "__".join(map(str, whole))
    return (
        f"set {variable(whole)}, or put it in a file called {name} in secrets_dir or in systemd's "
        f"credentials directory, or write it in {given.file}"
    )


def _misnamed(given: Given, table: Key) -> str:
    """A question, if only something outside the file speaks of a table, and another is near."""
    if not table or given.place(table) == given.file:
        return ""
    *above, name = table
    names = {str(key[len(above)]) for key in given.values if list(key[: len(above)]) == above}
    nearest = difflib.get_close_matches(str(name), names - {str(name)}, n=1)
    return f"; or did you mean {dotted((*above, nearest[0]))}?" if nearest else ""


def _nearest(model: type[BaseModel], given: Given, key: Key) -> str:
    table = _table(model, key[:-1])
    siblings = list(table.model_fields) if table else []
    kind, _, name = given.place(key).rpartition(f" variable {PREFIX}")
    if kind != "environment" or any(isinstance(part, int) for part in key):
        return offer(str(key[-1]), siblings)
    # A variable may be wrong in more than one of its words: it is compared as a whole.
    known = [variable((*given.at, *each)) for each in _settable(model, given, ())]
    nearest = difflib.get_close_matches(name, [each.removeprefix(PREFIX) for each in known], n=1)
    return f"did you mean {PREFIX}{nearest[0]}?" if nearest else offer(str(key[-1]), siblings)


def _settable(kind: Any, given: Given, at: Key) -> Iterator[Key]:  # noqa: ANN401 - any annotation
    """Every key there is, in the agents and adapters that are spoken of too."""
    table = _table(kind, ())
    if table:
        for name, known in table.model_fields.items():
            yield from _settable(known.annotation, given, (*at, name))
    elif get_origin(kind) is dict and _table(kind, ("any",)):
        for spoken in {key[len(at)] for key in given.values if key[: len(at)] == at != key}:
            yield from _settable(get_args(kind)[1], given, (*at, spoken))
    else:
        yield at


def offer(name: str, known: Collection[str]) -> str:
    """The nearest of the `known` names, or all of them where none is near."""
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"known are: {', '.join(known) or 'none'}"


_CAUSES = {
    "bool_parsing": "is not true or false",
    "bool_type": "is not true or false",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "string_type": "is not a text in double quotes",
    "string_too_short": "is empty",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "dict_type": "is not a table",
    "tuple_type": "is not a list",
    "list_type": "is not a list",
    "path_type": "is not a path in double quotes",
    "literal_error": "is not one of {expected}",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
}


def _cause(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if details["type"] == "value_error":
        return str(context["error"])
    known = _CAUSES.get(details["type"])
    return known.format(**context) if known else details["msg"]


def _without_secrets(model: type[BaseModel], given: Given, cause: str) -> str:
    """A plug-in's own words, should they quote what they were given."""
    for key, each in given.values.items():
        # Shorter ones are no secrets, and masking them would tear words apart.
        if isinstance(each.value, str) and len(each.value) > 3 and _is_secret(model, key):
            cause = cause.replace(each.value, "[secret]")
    return cause


def secrets_in(value: object) -> Iterator[str]:
    """Every secret that settings hold, however deep."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from secrets_in(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from secrets_in(each)


def secrets_of(model: type[BaseModel]) -> list[str]:
    """The keys of a model that hold secrets."""
    return [name for name in model.model_fields if _is_secret(model, (name,))]


def _is_secret(model: type[BaseModel], key: Key) -> bool:
    table = _table(model, key[:-1])
    known = table.model_fields.get(str(key[-1])) if table and key else None
    return known is not None and _holds_secret(known.annotation)


def _holds_secret(kind: object) -> bool:
    return kind is SecretStr or any(map(_holds_secret, get_args(kind)))


def _table(kind: Any, key: Key) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    """The model that `key` leads to from the annotation `kind`, if it leads to one."""
    arguments = get_args(kind)
    if get_origin(kind) in {dict, tuple}:
        return _table(arguments[-1 if get_origin(kind) is dict else 0], key[1:]) if key else None
    if arguments:
        return next(filter(None, (_table(each, key) for each in arguments)), None)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return None
    if not key:
        return kind
    known = kind.model_fields.get(str(key[0]))
    return _table(known.annotation, key[1:]) if known else None
