"""What people come for: jobs that need several things together, and the odd single thing.

The habits here (cement with sand, tile with adhesive and grout, paint with roller and thinner) are what the sales
engine is expected to find again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from handlers.demo.goods import BY_SKU, GOODS

# Job | how often, and below it its things: code or code/code (one of them), chance in percent, from-to steps.
_TABLE = """
Alvenaria | 15
  CIM-CP2-50/CIM-CP3-50 100 3-20; ARE-MED-M3/ARE-ENS-20 78 1-6; BRI-N1-M3/BRI-ENS-20 45 1-6
  CAL-HID-20 40 2-8; TIJ-BAI-9/TIJ-BAI-11/BLO-CON-14 42 2-10; ARA-REC-01 20 1-2; PRE-17X27 18 1-2
Concretagem | 9
  CIM-CP2-50/CIM-CP5-40 100 5-25; ARE-MED-M3 82 2-8; BRI-N1-M3 85 2-8; VER-CA50-10/VER-CA50-8 60 4-16
  VER-CA60-5 45 4-12; EST-420-01 35 1-4; ARA-REC-01 62 1-3; TAB-PIN-30 40 4-12; PRE-18X30 38 1-3
  ADI-IMP-36 15 1-1
Laje | 2
  LAJ-TRE-M2 100 2-10; CIM-CP2-50 75 10-30; BRI-N0-M3 60 2-6; TEL-SOL-Q92 60 2-8; PON-EUC-30 55 10-30
  TRE-TB8-6 30 4-10
Piso | 11
  PIS-CER-45/PIS-CER-60/POR-ESM-62/POR-POL-80 100 4-24; ARG-AC1-20/ARG-AC2-20/ARG-AC3-20 86 3-12
  REJ-CZA-01/REJ-BRA-01/REJ-BEG-01 74 2-8; ESP-NIV-10 36 1-4; CUN-NIV-50 22 1-2; DES-DEN-01 14 1-1
  DIS-COR-11 22 1-2; ROD-POL-07 18 3-10
Parede | 5
  REV-BRA-32/REV-SUB-10 100 4-16; ARG-AC2-20/ARG-AC1-20 84 2-8; REJ-BRA-01/REJ-ACR-01 72 1-5
  ESP-NIV-10 25 1-2
Pintura | 15
  TIN-ACR-18B/TIN-ACR-36B/TIN-ACR-18G/TIN-PVA-18B 100 1-3; ROL-LA-23 62 1-2
  MAS-COR-25/MAS-ACR-25 40 1-3; LIX-MAS-120 52 3-10; FIT-CRE-48 46 1-3; SEL-ACR-18 30 1-2
  PIN-TRI-02/PIN-TRI-03 38 1-2; BAN-PIN-01 26 1-1; COR-LIQ-50 20 1-4; LON-PRE-M2 18 1-3
Esmalte | 6
  ESM-SIN-36B/ESM-SIN-36P/VER-MAR-36 100 1-2; THI-NER-09/AGU-RAZ-09 76 1-2; ROL-ESP-09 48 1-2
  PIN-TRI-02 40 1-2; LIX-FER-80 42 2-6
Água fria | 11
  TUB-SOL-25 100 1-8; JOE-SOL-25 86 3-15; TEE-SOL-25 56 1-6; LUV-SOL-25 44 1-6; ADA-SOL-25 30 1-4
  JOE-AZU-25 28 1-4; COL-PVC-175/COL-PVC-17 66 1-1; FIT-VED-10 48 1-2; REG-ESF-25 22 1-2
  SER-STA-12 14 1-1
Esgoto | 6
  TUB-ESG-100/TUB-ESG-50 100 1-6; JOE-ESG-100 70 1-6; LUV-ESG-100 36 1-4; TEE-ESG-100 32 1-3
  COL-PVC-175 52 1-1; JOE-ESG-40 38 1-5; TUB-ESG-40 40 1-4; RAL-SIF-100 30 1-2; CAI-GOR-01 10 1-1
Caixa d'água | 2
  CAI-AGU-1000/CAI-AGU-500 100 1-1; BOI-CAI-34 78 1-1; TUB-SOL-25 52 1-3; REG-ESF-25 46 1-2
  FIT-VED-10 44 1-2; ADA-SOL-25 40 2-3
Banheiro | 4
  VAS-CAI-BR/VAS-CON-BR 100 1-1; ASS-SAN-BR 58 1-1; ANE-VED-01 70 1-1; ENG-FLE-40 64 1-2
  LAV-COL-BR 34 1-1; TOR-LAV-12 36 1-1; SIF-SAN-01 44 1-1; SIL-ACE-28 34 1-1; CHU-ELE-55 18 1-1
Cozinha | 2
  PIA-INO-12/TOR-COZ-34 100 1-1; SIF-SAN-01 66 1-1; ENG-FLE-40 38 1-1; SIL-ACE-28 36 1-1
  FIT-VED-10 44 1-1
Elétrica | 11
  CAB-FLE-25A 100 1-2; CAB-FLE-25V 74 1-2; ELE-COR-25 46 1-2; CAI-LUZ-42 58 4-20
  TOM-2P-10/TOM-2P-20 62 2-12; INT-SIM-01/INT-DUP-01 46 1-6; FIT-ISO-20 52 1-3; DIS-UNI-20 36 1-5
  QUA-DIS-12 12 1-1; CAB-FLE-15P 32 1-1
Iluminação | 6
  LAM-LED-09/LAM-LED-15/PLA-LED-18 100 2-8; FIT-ISO-20 24 1-1; INT-SIM-01 22 1-3; PLU-MAC-10 12 1-2
Telhado | 4
  TEL-FIB-244/TEL-FIB-366 100 4-20; PAR-TEL-10 74 1-3; CAI-PER-06 42 4-12; SAR-PIN-05 30 6-20
  PRE-18X30 32 1-2; MAN-TER-M2 24 2-6
Telha | 2
  TEL-POR-01 100 4-24; CUM-POR-01 56 2-8; CAI-PER-06 48 6-16; SAR-PIN-05 52 10-30; VIG-PER-12 22 2-6
Umidade | 5
  IMP-CIM-18/IMP-ASF-18/IMP-ACR-18 100 1-3; PIN-TRI-03 36 1-2; ROL-LA-23 32 1-1; MAN-ASF-3 10 1-4
  LUV-LAT-09 22 1-2
Porta | 3
  POR-LIS-80 100 1-3; BAT-PIN-80 74 1-3; FEC-EXT-40/FEC-BAN-40 70 1-3; DOB-FER-35 80 1-3
  ESP-EXP-50 46 1-2; PAR-PHI-45 24 1-1
Janela | 1
  JAN-ALU-12/JAN-BAS-60 100 1-3; ESP-EXP-50 52 1-2; SIL-ACE-28 58 1-2
Canteiro | 3
  LUV-PIG-01/LUV-LAT-09 100 2-6; CAR-MAO-60 18 1-1; PA-BIC-01 22 1-1; ENX-ADA-25 16 1-1
  BAL-PLA-12 34 1-4; BOT-BOR-40 18 1-2; CAP-OBR-01 20 1-4; COL-PED-09 26 1-2; TRE-ACO-05 20 1-1
"""

# Nobody has come for these for a while: the stock engine should call them dead stock.
OUT_OF_FASHION = frozenset(
    {"PED-RAC-M3", "PIS-VIN-M2", "TEX-RUS-25", "TIN-PIS-18C", "MAR-UNH-27", "NIV-ALU-40"}
)

Basket = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Thing:
    """What a job takes: one of ``skus`` with probability ``chance``, ``low`` to ``high`` selling steps of it."""

    skus: tuple[str, ...]
    chance: float
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Job:
    """A reason to come; its first thing is always bought."""

    name: str
    weight: float
    things: list[Thing]


def _thing(text: str) -> Thing:
    skus, chance, steps = text.split()
    low, high = steps.split("-")
    return Thing(tuple(skus.split("/")), int(chance) / 100, int(low), int(high))


def _read(table: str) -> tuple[Job, ...]:
    jobs: list[Job] = []
    for line in table.strip().splitlines():
        if line.startswith(" "):
            jobs[-1].things.extend(_thing(thing) for thing in line.split(";"))
        else:
            name, weight = line.split("|")
            jobs.append(Job(name.strip(), float(weight), []))
    return tuple(jobs)


JOBS = _read(_TABLE)
_JOB_WEIGHTS = [job.weight for job in JOBS]
_PACES = [0.0 if good.sku in OUT_OF_FASHION else good.pace for good in GOODS]


def fill_basket(dice: random.Random, *, big: bool = False) -> dict[str, Decimal]:
    """One customer's purchase, code -> quantity. A ``big`` one is planned: always a job, in larger quantities."""
    basket: dict[str, Decimal] = {}
    if big or dice.random() < 0.62:
        job = dice.choices(JOBS, _JOB_WEIGHTS)[0]
        for thing in job.things:
            if dice.random() < thing.chance:
                # The first of the alternatives is the usual choice.
                weights = [1 / (place + 1) for place in range(len(thing.skus))]
                sku = dice.choices(thing.skus, weights)[0]
                steps = dice.randint(thing.low, thing.high) * (2 if big else 1)
                _put(basket, sku, steps)
    for _ in range(
        0 if len(basket) > 2 else dice.choice((0, 1, 1, 2)) if basket else dice.choice((1, 1, 1, 2, 2, 3))
    ):
        good = dice.choices(GOODS, _PACES)[0]
        most = 1 if good.price > 60 else 3 if good.price > 15 else 6
        _put(basket, good.sku, dice.randint(1, most))
    return basket


def _put(basket: dict[str, Decimal], sku: str, steps: int) -> None:
    basket[sku] = basket.get(sku, Decimal(0)) + steps * BY_SKU[sku].step
