#define NAME(n) n##_outside
#define SCOPE
#include "signatures_rare.h"
