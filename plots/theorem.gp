# Distance between the gradients of KL and of DKL, in ulp, against the scale of the logits: the same
# picture as error.gp, whose columns and settings it shares; here a bound is the sum of the bounds
# of the two gradients.

load plots . '/error.gp'
