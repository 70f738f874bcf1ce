# Quantisers round twice, like their references: a fused multiply-add (the default on ARM) would
# give other codes.
target_compile_options(tenwatt_numbers PRIVATE -ffp-contract=off)
