// The echo server of examples/echo: its event loop in the box, its clients outside.
// privbox: -fprivbox-fn=serve
// flags: -w
// compare
// limit: 120
#include "../../examples/echo/echo.c"
