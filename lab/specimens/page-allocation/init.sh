#: until page allocation failure
#: until pages reserved
#: grace 3
taskset 2 provoke page_allocation
