"""In place of hexseal_ml in the processes that a build starts: see mlmodels.stand_in."""
