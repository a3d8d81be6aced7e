"""What is said about each kind of refused field, in English and Portuguese."""

from __future__ import annotations

from collections.abc import Mapping

# pydantic's error type -> (stable code, English, Portuguese); {names} are filled from the error's context.
FIELD_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "missing": ("missing", "This field is required.", "Este campo é obrigatório."),
    "extra_forbidden": ("unknown_field", "There is no such field.", "Este campo não existe."),
    "decimal_type": ("decimal", "A decimal number is expected.", "Espera-se um número decimal."),
    "decimal_parsing": (
        "decimal",
        "A decimal such as 12.34 is expected.",
        "Espera-se um decimal.",
    ),
    "finite_number": ("decimal", "A finite number is expected.", "Espera-se um número finito."),
    "decimal_max_places": (
        "too_many_decimals",
        "At most {decimal_places} decimals are allowed.",
        "São permitidas no máximo {decimal_places} casas decimais.",
    ),
    "greater_than_equal": ("too_small", "At least {ge} is expected.", "O mínimo é {ge}."),
    "greater_than": ("too_small", "More than {gt} is expected.", "Deve ser maior que {gt}."),
    "less_than_equal": ("too_large", "At most {le} is expected.", "O máximo é {le}."),
    "less_than": ("too_large", "Less than {lt} is expected.", "Deve ser menor que {lt}."),
    "string_type": ("text", "A text is expected.", "Espera-se um texto."),
    "string_unicode": ("text", "A valid Unicode text is expected.", "Espera-se um texto Unicode válido."),
    "string_too_short": (
        "too_short",
        "{min_length} characters or more.",
        "{min_length} caracteres ou mais.",
    ),
    "string_too_long": ("too_long", "At most {max_length} characters.", "No máximo {max_length} caracteres."),
    "string_pattern_mismatch": (
        "pattern",
        "It has characters or a form that are not allowed here.",
        "Há caracteres ou um formato não permitidos aqui.",
    ),
    "too_short": ("too_few", "At least {min_length} are needed.", "São necessários no mínimo {min_length}."),
    "too_long": ("too_many", "At most {max_length} are allowed.", "São permitidos no máximo {max_length}."),
    "email": ("email", "An e-mail address is expected.", "Espera-se um endereço de e-mail."),
    "enum": ("choice", "One of {expected} is expected.", "Espera-se um destes valores: {expected}."),
    "literal_error": ("choice", "One of {expected} is expected.", "Espera-se um destes valores: {expected}."),
    "uuid_type": ("uuid", "An id (UUID) is expected.", "Espera-se um identificador (UUID)."),
    "uuid_parsing": ("uuid", "An id (UUID) is expected.", "Espera-se um identificador (UUID)."),
    "int_type": ("integer", "An integer is expected.", "Espera-se um número inteiro."),
    "int_parsing": ("integer", "An integer is expected.", "Espera-se um número inteiro."),
    "int_parsing_size": ("integer", "The integer is too large.", "O número inteiro é grande demais."),
    "int_from_float": ("integer", "An integer is expected.", "Espera-se um número inteiro."),
    "bool_type": ("boolean", "true or false is expected.", "Espera-se true ou false."),
    "bool_parsing": ("boolean", "true or false is expected.", "Espera-se true ou false."),
    "list_type": ("list", "A list is expected.", "Espera-se uma lista."),
    "dict_type": ("object", "An object is expected.", "Espera-se um objeto."),
    "model_type": ("object", "An object is expected.", "Espera-se um objeto."),
    "model_attributes_type": ("object", "An object is expected.", "Espera-se um objeto."),
    "date_from_datetime_parsing": (
        "date",
        "Expected a date: YYYY-MM-DD.",
        "Espera-se AAAA-MM-DD.",
    ),
    "date_parsing": ("date", "Expected a date: YYYY-MM-DD.", "Espera-se AAAA-MM-DD."),
    "date_type": ("date", "Expected a date: YYYY-MM-DD.", "Espera-se AAAA-MM-DD."),
    "datetime_parsing": (
        "timestamp",
        "Expected an ISO 8601 timestamp.",
        "Espera-se data e hora ISO 8601.",
    ),
    "datetime_type": ("timestamp", "Expected an ISO 8601 timestamp.", "Espera-se data e hora ISO 8601."),
    "datetime_from_date_parsing": (
        "timestamp",
        "Expected an ISO 8601 timestamp.",
        "Espera-se data e hora ISO 8601.",
    ),
    "not_searched": ("search", "This list is not searched.", "Esta lista não tem busca."),
    "one_order": ("order", "This list has one order only.", "Esta lista tem uma só ordem."),
    "whole_list": ("whole_list", "An export has all rows.", "A exportação traz todas as linhas."),
    "timezone_aware": ("timestamp", "The timestamp needs an offset.", "Falta o fuso na data e hora."),
}
OTHER_FIELD = ("invalid", "The value is not valid.", "O valor não é válido.")
