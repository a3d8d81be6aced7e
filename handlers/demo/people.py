"""The demo store's customers and their building sites: invented, but the documents' check digits are right."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from stdnum.br import cnpj

from handlers.documents import CustomerKind


def _words(text: str) -> list[str]:
    return text.replace("\n", "|").split("|")


_FIRST = _words(
    """Adriana|Aline|Amanda|Ana|André|Antônio|Beatriz|Bruno|Caio|Camila|Carlos|Cíntia|Cláudia|Cleiton
Daniel|Débora|Diego|Edson|Eduardo|Elaine|Eliane|Fábio|Fernanda|Francisco|Gabriela|Geraldo|Gilberto
Helena|Henrique|Igor|Isabela|Ivone|Janaína|João|José|Juliana|Larissa|Leandro|Letícia|Luciana|Luís
Marcelo|Márcia|Marcos|Mariana|Mário|Natália|Osvaldo|Patrícia|Paulo|Priscila|Rafael|Regina|Renato
Ricardo|Roberto|Rodrigo|Rosana|Sandra|Sebastião|Sérgio|Simone|Sônia|Tatiane|Thiago|Valdir|Vanessa
Vera|Vinícius|Wagner"""
)
_LAST = _words(
    """Almeida|Alves|Andrade|Araújo|Azevedo|Barbosa|Barros|Batista|Borges|Campos|Cardoso|Carvalho|Castro
Correia|Costa|Cunha|Dias|Duarte|Farias|Fernandes|Ferreira|Fonseca|Freitas|Garcia|Gomes|Gonçalves
Lima|Lopes|Machado|Marques|Martins|Melo|Mendes|Miranda|Monteiro|Moraes|Moreira|Moura|Nascimento
Neves|Nogueira|Nunes|Oliveira|Pereira|Pinto|Ramos|Reis|Ribeiro|Rocha|Rodrigues|Santana|Santos|Silva
Siqueira|Soares|Souza|Teixeira|Vieira"""
)
_TRADES = (
    "Construtora {}", "{} Engenharia", "{} Reformas", "Empreiteira {}", "{} Construções", "{} Incorporações",
    "Pinturas {}", "Instalações {}", "Condomínio Edifício {}", "Marcenaria {}", "Padaria {}", "Escola {}",
)  # fmt: skip
_STREETS = _words(
    """Rua das Acácias|Rua dos Ipês|Avenida Brasil|Rua Sete de Setembro|Rua Quinze de Novembro|Rua do Rosário
Avenida Independência|Rua das Palmeiras|Rua São José|Rua Tiradentes|Avenida das Nações|Rua Santos Dumont
Rua Dom Pedro II|Rua das Hortênsias|Travessa do Sol|Avenida Paulo Freire"""
)
_QUARTERS = _words(
    """Centro|Jardim das Flores|Vila Nova|Parque Industrial|Jardim América|Vila Progresso|Bela Vista"""
)
_WORKS = _words(
    """Casa térrea|Sobrado|Reforma do apartamento|Galpão|Edícula|Muro e calçada|Loja|Prédio de 4 andares"""
)

# A town square; sites lie within about five kilometres of it.
_LATITUDE, _LONGITUDE = Decimal("-22.90560"), Decimal("-47.06080")


@dataclass(frozen=True, slots=True)
class Place:
    """A building site of a customer."""

    name: str
    address: str
    postal_code: str
    latitude: Decimal
    longitude: Decimal


@dataclass(frozen=True, slots=True)
class Person:
    """A customer; ``pull`` is how much of the named sales, relative to the others, is this customer's."""

    kind: CustomerKind
    name: str
    document: str
    email: str
    phone: str
    address: str
    postal_code: str
    places: tuple[Place, ...]
    pull: float


def make_people(dice: random.Random, count: int) -> list[Person]:
    """``count`` customers, six of ten people; a few of them buy most, as the contractors of a town do."""
    names = _names(dice)
    firms = _firm_names(dice)
    people = []
    for rank in range(count):
        company = dice.random() < (0.7 if rank < count // 4 else 0.35)
        kind: CustomerKind = "company" if company else "person"
        address, postal_code = _address(dice)
        people.append(
            Person(
                kind,
                next(firms) if company else next(names),
                make_cnpj(dice) if company else make_cpf(dice),
                f"cliente{rank + 1:03d}@example.com",
                f"(19) 9{dice.randrange(8000, 10000)}-{dice.randrange(10**4):04d}",
                address,
                postal_code,
                tuple(
                    _place(dice, work)
                    for work in dice.sample(_WORKS, dice.choice((1, 1, 2, 3) if company else (0, 1)))
                ),
                1 / (rank + 3),
            )
        )
    return people


def make_cpf(dice: random.Random) -> str:
    """Eleven digits whose last two check the first nine."""
    body = f"{dice.randrange(10**8, 10**9 - 1):09d}"
    for _ in range(2):
        total = sum(weight * int(digit) for weight, digit in enumerate(reversed(body), start=2))
        body += str(-total % 11 % 10)
    return body


def make_cnpj(dice: random.Random) -> str:
    """Fourteen digits, head office (0001), whose last two check the others."""
    body = f"{dice.randrange(10**7, 10**8):08d}0001"
    return body + str(cnpj.calc_check_digits(body))


def _names(dice: random.Random) -> Iterator[str]:
    seen: set[str] = set()
    while True:
        name = f"{dice.choice(_FIRST)} {dice.choice(_LAST)} {dice.choice(_LAST)}"
        if name not in seen:
            seen.add(name)
            yield name


def _firm_names(dice: random.Random) -> Iterator[str]:
    firms = [
        *_LAST,
        "Aroeira",
        "Horizonte",
        "Pedra Alta",
        "Vale Verde",
        "Novo Lar",
        "Serra Azul",
        "Boa Vista",
    ]
    names = [trade.format(firm) for trade in _TRADES for firm in firms]
    dice.shuffle(names)
    return iter(names)


def _address(dice: random.Random) -> tuple[str, str]:
    street, quarter = dice.choice(_STREETS), dice.choice(_QUARTERS)
    postal_code = f"130{dice.randrange(10, 100)}{dice.randrange(1000):03d}"
    return f"{street}, {dice.randrange(1, 2000)} - {quarter}, Campinas/SP", postal_code


def _place(dice: random.Random, work: str) -> Place:
    address, postal_code = _address(dice)
    return Place(
        work,
        address,
        postal_code,
        _LATITUDE + Decimal(dice.randrange(-4500, 4500)).scaleb(-5),
        _LONGITUDE + Decimal(dice.randrange(-4500, 4500)).scaleb(-5),
    )
