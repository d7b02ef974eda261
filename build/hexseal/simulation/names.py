"""Invented names of places; none is meant to exist."""

TOWN = "Port-Océane"
VILLAGES = (
    "Roquemarée", "Anse-aux-Phoques", "Val-d’Ambre-sur-Mer", "Kerléan", "Montérac", "Sablonnais",
    "La Brévière", "Fontanelle-les-Bruyères", "Pointe-Échouée", "Lannevran", "Vertebois",
    "Çayac", "Grandpré-l’Étang", "Haut-Vallon", "Aigremonde", "Trévanel", "Les Hêtraies",
    "Corvailles", "Moulinel", "Brumaire-le-Bas", "Crêtelongue", "Île-Dormante", "Saulnoy-les-Prés",
    "Pierrefrite", "Douvrac",
)  # fmt: skip
PROVINCES = ("Côte-d’Écume", "Haute-Lande", "Pays-Portuaire", "Pays-des-Étangs")
