# Older opsets are checked by running them.
target_link_libraries(test_exchange PRIVATE tenwatt_graph)
tenwatt_attack(test_exchange exchange)
