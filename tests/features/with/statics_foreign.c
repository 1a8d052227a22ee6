// Plain data of another unit.
int foreign_value = 50;
int foreign_array[4] = {10, 20, 30, 40};
int *foreign_pointer(void) { return &foreign_value; }
