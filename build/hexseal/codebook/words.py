"""What a missing value means, and words that many columns share, in both languages."""

from hexseal.codebook.column import Text

NO_LAND: Text = {
    "en": "no land was counted here",
    "fr": "aucune terre n’a été comptée ici",
}
NO_VALID: Text = {
    "en": "no pixel here has a valid class in every year",
    "fr": "aucun pixel n’a ici de classe valide pour toutes les années",
}
NO_VALID_OR_LAND: Text = {
    "en": "no valid pixel or no land here",
    "fr": "ni pixel valide ni terre ici",
}
NOT_JUDGED: Text = {
    "en": "no valid pixel, or the grade is inconclusive: the maps cannot support a figure",
    "fr": "aucun pixel valide, ou le grade est inconclusive : les cartes n’étayent aucun chiffre",
}
NO_ACCURACY: Text = {
    "en": "the region file states no accuracy of the maps",
    "fr": "le fichier de région ne donne pas l’exactitude des cartes",
}
NO_SAMPLE: Text = {
    "en": "no reference sample of these two years speaks for the area",
    "fr": "aucun échantillon de référence de ces deux années ne renseigne sur la zone",
}
NO_POPULATION: Text = {
    "en": "the number of inhabitants is not known or 0",
    "fr": "le nombre d’habitants est inconnu ou nul",
}
NOTHING_SEALED: Text = {
    "en": "nothing was sealed in the first year, or the change cannot be judged",
    "fr": "rien n’était imperméabilisé la première année, ou l’évolution ne peut pas être jugée",
}
NO_GAIN: Text = {
    "en": "the maps show no new sealing here",
    "fr": "les cartes ne montrent ici aucune nouvelle imperméabilisation",
}
STEADY_POPULATION: Text = {
    "en": "inhabitants unknown, or their number changes by less than 0.1 % a year",
    "fr": "habitants inconnus, ou leur nombre change de moins de 0,1 % par an",
}
NO_LAYER: Text = {
    "en": "the patch lies in no area of this layer",
    "fr": "la tache ne se trouve dans aucune zone de cette couche",
}
NO_LAYER_OF_HEXAGON: Text = {
    "en": "the hexagon touches no area of this layer",
    "fr": "l’hexagone ne touche aucune zone de cette couche",
}
NO_CONFIDENCE: Text = {
    "en": "the region has no confidence layers of both years",
    "fr": "la région n’a pas de couches de confiance des deux années",
}
NO_DECOYS: Text = {
    "en": "a loss, or no false discovery rate could be estimated",
    "fr": "une perte, ou aucun taux de fausses découvertes n’a pu être établi",
}
NO_NAME: Text = {
    "en": "the area file has no name",
    "fr": "le fichier des zones ne donne pas de nom",
}
