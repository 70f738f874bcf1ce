tenwatt_attack(test_files files)
