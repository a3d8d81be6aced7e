"""The demo store's catalogue: what a Brazilian building-material store sells, with believable prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stdnum import ean

# Code | name | unit | price R$ | cost R$ | weight kg | pace | sold in steps of
# `pace` is how often, relative to the others, somebody buys the thing for its own sake.
_TABLE = """
# Cimentos e argamassas
CIM-CP2-50 | Cimento CP II-E-32 50 kg | SC | 39.90 | 33.10 | 50 | 30 | 1
CIM-CP3-50 | Cimento CP III-40 RS 50 kg | SC | 41.50 | 34.60 | 50 | 9 | 1
CIM-CP5-40 | Cimento CP V-ARI 40 kg | SC | 44.90 | 37.20 | 40 | 4 | 1
CIM-BRA-01 | Cimento branco 1 kg | UN | 9.90 | 6.20 | 1 | 5 | 1
CAL-HID-20 | Cal hidratada CH-III 20 kg | SC | 17.90 | 12.80 | 20 | 12 | 1
CAL-PIN-08 | Cal para pintura 8 kg | SC | 14.50 | 9.90 | 8 | 4 | 1
ARG-AC1-20 | Argamassa colante AC-I 20 kg | SC | 13.90 | 9.40 | 20 | 8 | 1
ARG-AC2-20 | Argamassa colante AC-II 20 kg | SC | 24.90 | 17.30 | 20 | 7 | 1
ARG-AC3-20 | Argamassa colante AC-III 20 kg | SC | 38.90 | 27.50 | 20 | 5 | 1
ARG-MUL-20 | Argamassa multiuso 20 kg | SC | 15.90 | 10.70 | 20 | 5 | 1
REJ-CZA-01 | Rejunte flexível cinza platina 1 kg | UN | 8.90 | 5.10 | 1 | 5 | 1
REJ-BRA-01 | Rejunte flexível branco 1 kg | UN | 8.90 | 5.10 | 1 | 5 | 1
REJ-BEG-01 | Rejunte flexível bege 1 kg | UN | 8.90 | 5.10 | 1 | 3 | 1
REJ-ACR-01 | Rejunte acrílico 1 kg | UN | 34.90 | 22.80 | 1 | 2 | 1
GES-PO-40 | Gesso em pó 40 kg | SC | 32.90 | 23.60 | 40 | 4 | 1
# Agregados
ARE-MED-M3 | Areia média lavada | M3 | 139.00 | 98.00 | 1500 | 12 | 0.5
ARE-FIN-M3 | Areia fina | M3 | 145.00 | 103.00 | 1450 | 6 | 0.5
ARE-ENS-20 | Areia média ensacada 20 kg | SC | 5.90 | 3.40 | 20 | 8 | 1
BRI-N1-M3 | Brita nº 1 | M3 | 129.00 | 91.00 | 1450 | 9 | 0.5
BRI-N0-M3 | Pedrisco (brita nº 0) | M3 | 134.00 | 95.00 | 1480 | 3 | 0.5
BRI-ENS-20 | Brita ensacada 20 kg | SC | 6.50 | 3.80 | 20 | 4 | 1
PED-RAC-M3 | Pedra rachão | M3 | 118.00 | 84.00 | 1600 | 1 | 0.5
# Tijolos e blocos
TIJ-BAI-9 | Tijolo baiano 9x19x19 cm | UN | 0.98 | 0.69 | 2.2 | 8 | 100
TIJ-BAI-11 | Tijolo baiano 11,5x19x19 cm | UN | 1.24 | 0.87 | 2.7 | 3 | 100
TIJ-MAC-01 | Tijolo maciço comum | UN | 0.85 | 0.56 | 2.4 | 4 | 50
BLO-CON-14 | Bloco de concreto 14x19x39 cm | UN | 4.35 | 3.12 | 11.8 | 4 | 20
BLO-CON-19 | Bloco de concreto 19x19x39 cm | UN | 5.60 | 4.05 | 15.4 | 2 | 20
CAN-CON-14 | Canaleta de concreto 14x19x39 cm | UN | 4.90 | 3.50 | 12.1 | 2 | 10
LAJ-TRE-M2 | Laje treliçada H8 com EPS | M2 | 72.00 | 54.50 | 110 | 1 | 6
# Telhas
TEL-POR-01 | Telha cerâmica portuguesa | UN | 3.15 | 2.18 | 2.4 | 3 | 50
TEL-FIB-244 | Telha de fibrocimento 5 mm 2,44x0,50 m | UN | 31.90 | 23.40 | 10.2 | 5 | 1
TEL-FIB-366 | Telha de fibrocimento 6 mm 3,66x1,10 m | UN | 118.00 | 88.00 | 41 | 2 | 1
CUM-POR-01 | Cumeeira cerâmica | UN | 9.80 | 6.70 | 3.1 | 1 | 5
PAR-TEL-10 | Parafuso para telha com vedação (100 un) | PCT | 38.90 | 26.00 | 1.6 | 2 | 1
MAN-TER-M2 | Manta térmica para telhado | M2 | 9.90 | 6.50 | 0.2 | 1 | 10
# Aço e arames
VER-CA50-8 | Vergalhão CA-50 8 mm 12 m | BR | 46.90 | 36.80 | 4.74 | 6 | 1
VER-CA50-10 | Vergalhão CA-50 10 mm 12 m | BR | 68.90 | 54.30 | 7.4 | 7 | 1
VER-CA50-12 | Vergalhão CA-50 12,5 mm 12 m | BR | 104.00 | 82.50 | 11.6 | 3 | 1
VER-CA60-5 | Vergalhão CA-60 5 mm 12 m | BR | 19.90 | 15.20 | 1.85 | 6 | 1
TRE-TB8-6 | Treliça TB 8M 6 m | BR | 45.90 | 35.40 | 4.4 | 3 | 1
TEL-SOL-Q92 | Tela soldada Q92 2x3 m | UN | 94.00 | 72.00 | 8.9 | 2 | 1
EST-420-01 | Estribo 7x17 cm 4,2 mm | UN | 1.35 | 0.92 | 0.05 | 3 | 25
ARA-REC-01 | Arame recozido nº 18 1 kg | KG | 15.90 | 11.00 | 1 | 9 | 1
ARA-GAL-01 | Arame galvanizado nº 16 1 kg | KG | 21.90 | 15.60 | 1 | 3 | 1
PRE-17X27 | Prego 17x27 com cabeça 1 kg | KG | 18.90 | 13.20 | 1 | 8 | 1
PRE-18X30 | Prego 18x30 com cabeça 1 kg | KG | 18.50 | 12.90 | 1 | 5 | 1
# Madeiras
TAB-PIN-30 | Tábua de pinus 2,5x30 cm 3 m | PC | 38.90 | 27.80 | 11 | 6 | 1
SAR-PIN-05 | Sarrafo de pinus 2,5x5 cm 3 m | PC | 8.90 | 5.90 | 1.9 | 6 | 1
CAI-PER-06 | Caibro de peroba 5x6 cm 3 m | PC | 34.90 | 25.00 | 7 | 3 | 1
VIG-PER-12 | Viga de peroba 6x12 cm 4 m | PC | 98.00 | 72.00 | 22 | 1 | 1
MAD-RES-10 | Chapa resinada 10 mm 1,10x2,20 m | PC | 74.90 | 55.00 | 14 | 2 | 1
PON-EUC-30 | Pontalete de eucalipto 3 m | PC | 17.90 | 11.80 | 9 | 3 | 1
# Pisos e revestimentos
PIS-CER-45 | Piso cerâmico 45x45 cm esmaltado | M2 | 24.90 | 17.20 | 14 | 5 | 2.3
PIS-CER-60 | Piso cerâmico 60x60 cm acetinado | M2 | 34.90 | 24.60 | 16 | 4 | 2.5
POR-ESM-62 | Porcelanato esmaltado 62x62 cm | M2 | 54.90 | 38.90 | 20 | 3 | 1.92
POR-POL-80 | Porcelanato polido 80x80 cm | M2 | 96.90 | 69.00 | 24 | 2 | 1.92
REV-BRA-32 | Revestimento branco 32x57 cm | M2 | 29.90 | 20.90 | 13 | 4 | 2.2
REV-SUB-10 | Revestimento metrô 10x20 cm | M2 | 49.90 | 35.00 | 14 | 1 | 1
ROD-POL-07 | Rodapé de poliestireno 7 cm 2,40 m | BR | 32.90 | 21.50 | 0.6 | 2 | 1
ESP-NIV-10 | Espaçador nivelador (100 un) | PCT | 21.90 | 12.40 | 0.3 | 2 | 1
CUN-NIV-50 | Cunha niveladora (50 un) | PCT | 18.90 | 10.80 | 0.4 | 1 | 1
PIS-VIN-M2 | Piso vinílico clicado 4 mm | M2 | 89.90 | 64.00 | 8 | 1 | 2.13
# Tintas e acessórios
TIN-ACR-18B | Tinta acrílica fosca branca 18 L | LT | 289.00 | 208.00 | 25 | 6 | 1
TIN-ACR-36B | Tinta acrílica fosca branca 3,6 L | GL | 79.90 | 56.00 | 5.2 | 5 | 1
TIN-ACR-18G | Tinta acrílica fosca gelo 18 L | LT | 295.00 | 212.00 | 25 | 3 | 1
TIN-PVA-18B | Látex PVA branco 18 L | LT | 169.00 | 119.00 | 25 | 4 | 1
TIN-PIS-18C | Tinta para piso cinza 18 L | LT | 329.00 | 238.00 | 25 | 1 | 1
ESM-SIN-36B | Esmalte sintético branco 3,6 L | GL | 129.00 | 91.00 | 4.3 | 3 | 1
ESM-SIN-36P | Esmalte sintético preto 3,6 L | GL | 129.00 | 91.00 | 4.3 | 2 | 1
VER-MAR-36 | Verniz marítimo 3,6 L | GL | 149.00 | 105.00 | 3.9 | 1 | 1
SEL-ACR-18 | Selador acrílico 18 L | LT | 119.00 | 82.00 | 26 | 4 | 1
MAS-COR-25 | Massa corrida PVA 25 kg | LT | 64.90 | 44.00 | 25 | 5 | 1
MAS-ACR-25 | Massa acrílica 25 kg | LT | 112.00 | 79.00 | 25 | 3 | 1
TEX-RUS-25 | Textura rústica 25 kg | LT | 139.00 | 97.00 | 25 | 1 | 1
THI-NER-09 | Thinner 900 ml | UN | 22.90 | 15.20 | 0.8 | 5 | 1
AGU-RAZ-09 | Aguarrás 900 ml | UN | 19.90 | 13.30 | 0.8 | 4 | 1
ROL-LA-23 | Rolo de lã 23 cm antigota | UN | 24.90 | 14.80 | 0.2 | 6 | 1
ROL-ESP-09 | Rolo de espuma 9 cm | UN | 8.90 | 4.70 | 0.1 | 4 | 1
PIN-TRI-02 | Pincel trincha 2" | UN | 11.90 | 6.40 | 0.1 | 5 | 1
PIN-TRI-03 | Pincel trincha 3" | UN | 16.90 | 9.30 | 0.1 | 3 | 1
BAN-PIN-01 | Bandeja para pintura | UN | 14.90 | 8.10 | 0.3 | 3 | 1
FIT-CRE-48 | Fita crepe 48 mm x 50 m | RL | 17.90 | 11.20 | 0.2 | 6 | 1
LIX-MAS-120 | Lixa massa grão 120 | UN | 2.20 | 1.05 | 0.02 | 7 | 1
LIX-FER-80 | Lixa ferro grão 80 | UN | 3.90 | 2.00 | 0.03 | 3 | 1
COR-LIQ-50 | Corante líquido 50 ml | UN | 6.90 | 3.80 | 0.07 | 3 | 1
LON-PRE-M2 | Lona plástica preta 4 m de largura | M | 6.90 | 3.90 | 0.4 | 4 | 5
# Tubos e conexões
TUB-SOL-25 | Tubo soldável 25 mm 6 m | BR | 27.90 | 19.40 | 1.1 | 7 | 1
TUB-SOL-32 | Tubo soldável 32 mm 6 m | BR | 54.90 | 39.00 | 1.9 | 2 | 1
TUB-ESG-40 | Tubo esgoto 40 mm 6 m | BR | 36.90 | 25.80 | 1.5 | 3 | 1
TUB-ESG-50 | Tubo esgoto 50 mm 6 m | BR | 54.90 | 38.50 | 2.1 | 3 | 1
TUB-ESG-100 | Tubo esgoto 100 mm 6 m | BR | 84.90 | 60.50 | 4.6 | 5 | 1
JOE-SOL-25 | Joelho 90° soldável 25 mm | UN | 1.29 | 0.62 | 0.03 | 6 | 1
TEE-SOL-25 | Tê soldável 25 mm | UN | 1.99 | 0.98 | 0.04 | 4 | 1
LUV-SOL-25 | Luva soldável 25 mm | UN | 1.19 | 0.55 | 0.02 | 4 | 1
ADA-SOL-25 | Adaptador soldável curto 25 mm x 3/4" | UN | 1.49 | 0.72 | 0.02 | 3 | 1
JOE-AZU-25 | Joelho azul com bucha de latão 25 mm x 1/2" | UN | 8.90 | 5.40 | 0.06 | 3 | 1
JOE-ESG-40 | Joelho 90° esgoto 40 mm | UN | 2.90 | 1.50 | 0.05 | 3 | 1
JOE-ESG-100 | Joelho 90° esgoto 100 mm | UN | 9.90 | 6.00 | 0.2 | 4 | 1
TEE-ESG-100 | Tê esgoto 100 mm | UN | 17.90 | 11.30 | 0.3 | 2 | 1
LUV-ESG-100 | Luva simples esgoto 100 mm | UN | 7.90 | 4.70 | 0.15 | 2 | 1
COL-PVC-175 | Adesivo plástico para PVC 175 g | UN | 19.90 | 12.60 | 0.2 | 4 | 1
COL-PVC-17 | Adesivo plástico para PVC 17 g | UN | 4.90 | 2.60 | 0.03 | 4 | 1
FIT-VED-10 | Fita veda-rosca 18 mm x 10 m | RL | 4.50 | 2.10 | 0.03 | 8 | 1
REG-ESF-25 | Registro de esfera soldável 25 mm | UN | 19.90 | 12.50 | 0.2 | 3 | 1
REG-GAV-34 | Registro de gaveta 3/4" com canopla | UN | 64.90 | 44.00 | 0.5 | 2 | 1
CAI-GOR-01 | Caixa de gordura 250x250 mm | UN | 89.90 | 62.00 | 2.4 | 1 | 1
RAL-SIF-100 | Ralo sifonado 100x40 mm | UN | 14.90 | 8.90 | 0.2 | 3 | 1
CAI-AGU-500 | Caixa d'água 500 L | UN | 289.00 | 219.00 | 10 | 1 | 1
CAI-AGU-1000 | Caixa d'água 1.000 L | UN | 439.00 | 335.00 | 16 | 2 | 1
BOI-CAI-34 | Torneira de boia 3/4" | UN | 22.90 | 14.30 | 0.2 | 2 | 1
# Louças e metais
VAS-CON-BR | Vaso sanitário convencional branco | UN | 179.00 | 129.00 | 14 | 1 | 1
VAS-CAI-BR | Vaso sanitário com caixa acoplada branco | UN | 419.00 | 308.00 | 28 | 1 | 1
ASS-SAN-BR | Assento sanitário almofadado branco | UN | 69.90 | 45.00 | 1.6 | 2 | 1
LAV-COL-BR | Lavatório com coluna branco | UN | 199.00 | 144.00 | 16 | 1 | 1
PIA-INO-12 | Pia de inox 1,20 m | UN | 219.00 | 161.00 | 3.9 | 1 | 1
TOR-COZ-34 | Torneira de parede para cozinha | UN | 79.90 | 53.00 | 0.5 | 2 | 1
TOR-LAV-12 | Torneira de mesa para lavatório | UN | 69.90 | 46.00 | 0.5 | 2 | 1
TOR-JAR-12 | Torneira de jardim 1/2" | UN | 16.90 | 10.20 | 0.2 | 3 | 1
CHU-ELE-55 | Chuveiro elétrico 5.500 W 220 V | UN | 89.90 | 63.00 | 0.9 | 3 | 1
SIF-SAN-01 | Sifão sanfonado universal | UN | 11.90 | 6.60 | 0.1 | 4 | 1
ENG-FLE-40 | Engate flexível 40 cm | UN | 8.90 | 4.80 | 0.1 | 4 | 1
ANE-VED-01 | Anel de vedação para vaso | UN | 9.90 | 5.20 | 0.2 | 2 | 1
# Elétrica
CAB-FLE-25A | Cabo flexível 2,5 mm² azul 100 m | RL | 219.00 | 164.00 | 3.1 | 3 | 1
CAB-FLE-25V | Cabo flexível 2,5 mm² vermelho 100 m | RL | 219.00 | 164.00 | 3.1 | 3 | 1
CAB-FLE-15P | Cabo flexível 1,5 mm² preto 100 m | RL | 139.00 | 103.00 | 2 | 2 | 1
CAB-FLE-60 | Cabo flexível 6 mm² metro | M | 6.90 | 4.80 | 0.07 | 3 | 1
CAB-PP-225 | Cabo PP 2x2,5 mm² metro | M | 8.90 | 6.10 | 0.12 | 3 | 1
ELE-COR-25 | Eletroduto corrugado 25 mm 50 m | RL | 84.90 | 58.00 | 3.2 | 3 | 1
CAI-LUZ-42 | Caixa de luz 4x2" | UN | 2.20 | 1.10 | 0.06 | 6 | 1
CAI-LUZ-44 | Caixa de luz 4x4" | UN | 4.20 | 2.20 | 0.09 | 2 | 1
TOM-2P-10 | Tomada 2P+T 10 A com placa | UN | 12.90 | 7.60 | 0.1 | 6 | 1
TOM-2P-20 | Tomada 2P+T 20 A com placa | UN | 15.90 | 9.50 | 0.1 | 4 | 1
INT-SIM-01 | Interruptor simples com placa | UN | 11.90 | 6.90 | 0.1 | 5 | 1
INT-DUP-01 | Interruptor duplo com placa | UN | 18.90 | 11.40 | 0.1 | 3 | 1
DIS-UNI-20 | Disjuntor unipolar 20 A | UN | 13.90 | 8.30 | 0.1 | 4 | 1
DIS-BIP-40 | Disjuntor bipolar 40 A | UN | 49.90 | 33.00 | 0.2 | 2 | 1
QUA-DIS-12 | Quadro de distribuição 12 disjuntores | UN | 64.90 | 43.00 | 1.1 | 1 | 1
LAM-LED-09 | Lâmpada LED 9 W branca | UN | 8.90 | 4.90 | 0.05 | 9 | 1
LAM-LED-15 | Lâmpada LED 15 W branca | UN | 14.90 | 8.60 | 0.07 | 4 | 1
PLA-LED-18 | Painel LED de embutir 18 W | UN | 29.90 | 18.50 | 0.3 | 3 | 1
FIT-ISO-20 | Fita isolante 19 mm x 20 m | RL | 9.90 | 5.40 | 0.1 | 7 | 1
PLU-MAC-10 | Plugue macho 10 A | UN | 6.90 | 3.60 | 0.04 | 3 | 1
# Impermeabilização
IMP-ASF-18 | Manta líquida asfáltica 18 L | LT | 219.00 | 156.00 | 18 | 2 | 1
IMP-ACR-18 | Manta líquida acrílica branca 18 kg | LT | 319.00 | 232.00 | 18 | 2 | 1
IMP-CIM-18 | Impermeabilizante cimentício 18 kg | CX | 98.00 | 69.00 | 18 | 3 | 1
ADI-IMP-36 | Aditivo impermeabilizante para concreto 3,6 L | GL | 54.90 | 37.00 | 3.9 | 3 | 1
MAN-ASF-3 | Manta asfáltica 3 mm 1x10 m | RL | 289.00 | 214.00 | 36 | 1 | 1
SIL-ACE-28 | Silicone acético incolor 280 g | UN | 24.90 | 15.30 | 0.3 | 6 | 1
ESP-EXP-50 | Espuma expansiva de poliuretano 500 ml | UN | 32.90 | 21.00 | 0.6 | 3 | 1
# Portas, janelas e ferragens
POR-LIS-80 | Porta lisa para pintura 80x210 cm | UN | 189.00 | 137.00 | 18 | 2 | 1
BAT-PIN-80 | Batente de pinus 80 cm com guarnição | CJ | 149.00 | 106.00 | 12 | 2 | 1
JAN-ALU-12 | Janela de alumínio 120x100 cm | UN | 399.00 | 295.00 | 13 | 1 | 1
JAN-BAS-60 | Vitrô basculante 60x60 cm | UN | 149.00 | 108.00 | 6 | 1 | 1
FEC-EXT-40 | Fechadura externa 40 mm | UN | 79.90 | 54.00 | 0.8 | 3 | 1
FEC-BAN-40 | Fechadura para banheiro 40 mm | UN | 64.90 | 43.50 | 0.7 | 2 | 1
DOB-FER-35 | Dobradiça 3.1/2" (3 un) | PCT | 18.90 | 11.90 | 0.4 | 3 | 1
CAD-LAT-35 | Cadeado de latão 35 mm | UN | 34.90 | 22.40 | 0.2 | 3 | 1
BUC-NYL-08 | Bucha de nylon 8 mm (100 un) | PCT | 9.90 | 5.00 | 0.1 | 4 | 1
PAR-PHI-45 | Parafuso Philips 4,5x45 mm (100 un) | PCT | 16.90 | 10.10 | 0.4 | 5 | 1
# Ferramentas e proteção
CAR-MAO-60 | Carrinho de mão 60 L pneu com câmara | UN | 219.00 | 159.00 | 13 | 1 | 1
ENX-ADA-25 | Enxada larga 2,5 com cabo | UN | 54.90 | 37.00 | 1.6 | 1 | 1
PA-BIC-01 | Pá de bico com cabo | UN | 49.90 | 33.50 | 1.7 | 1 | 1
COL-PED-09 | Colher de pedreiro 9" | UN | 29.90 | 18.20 | 0.3 | 3 | 1
DES-DEN-01 | Desempenadeira dentada 25 cm | UN | 34.90 | 21.70 | 0.4 | 2 | 1
NIV-ALU-40 | Nível de alumínio 40 cm | UN | 39.90 | 25.50 | 0.3 | 1 | 1
TRE-ACO-05 | Trena de aço 5 m | UN | 24.90 | 14.50 | 0.2 | 4 | 1
DIS-COR-11 | Disco de corte diamantado 110 mm | UN | 29.90 | 17.60 | 0.1 | 4 | 1
SER-STA-12 | Lâmina de serra 12" | UN | 7.90 | 4.20 | 0.05 | 4 | 1
MAR-UNH-27 | Martelo unha 27 mm | UN | 44.90 | 29.50 | 0.8 | 1 | 1
BAL-PLA-12 | Balde para concreto 12 L | UN | 15.90 | 9.40 | 0.6 | 3 | 1
LUV-LAT-09 | Luva de látex tamanho 9 | PAR | 9.90 | 5.20 | 0.1 | 6 | 1
LUV-PIG-01 | Luva pigmentada | PAR | 4.90 | 2.30 | 0.05 | 5 | 1
BOT-BOR-40 | Bota de borracha nº 40 | PAR | 54.90 | 37.00 | 1.5 | 1 | 1
CAP-OBR-01 | Capacete de obra com jugular | UN | 29.90 | 18.40 | 0.4 | 1 | 1
MAN-CRI-12 | Mangueira cristal 1/2" metro | M | 4.90 | 2.80 | 0.15 | 4 | 5
"""

_PALLETS = {"CIM-CP2-50": Decimal(35), "CIM-CP3-50": Decimal(35), "CIM-CP5-40": Decimal(40)}


@dataclass(frozen=True, slots=True)
class Good:
    """One product of the demo store. ``pace`` is its relative popularity, ``step`` the smallest sold quantity."""

    sku: str
    name: str
    category: str
    unit: str
    price: Decimal
    cost: Decimal
    weight_kg: Decimal
    pace: float
    step: Decimal
    barcode: str

    @property
    def pack(self) -> tuple[str, Decimal] | None:
        """The unit that the good also comes in, and how much of it that holds: tiles in boxes, cement on pallets."""
        if self.unit == "M2" and self.category == "Pisos e revestimentos" and self.step != 1:
            return "CX", self.step
        return ("PL", _PALLETS[self.sku]) if self.sku in _PALLETS else None


def in_store_barcode(number: int) -> str:
    """An EAN-13 with prefix 2, which GS1 leaves to stores for their own use, so that it is nobody else's product."""
    digits = f"2{number:011d}"
    return digits + ean.calc_check_digit(digits)


def _read(table: str) -> tuple[Good, ...]:
    goods: list[Good] = []
    category = ""
    for line in table.strip().splitlines():
        if line.startswith("# "):
            category = line[2:]
            continue
        sku, name, unit, price, cost, weight, pace, step = (part.strip() for part in line.split("|"))
        goods.append(
            Good(
                sku, name, category, unit, Decimal(price), Decimal(cost), Decimal(weight), float(pace),
                Decimal(step), in_store_barcode(1001 + len(goods)),
            )
        )  # fmt: skip
    return tuple(goods)


GOODS = _read(_TABLE)
BY_SKU = {good.sku: good for good in GOODS}
