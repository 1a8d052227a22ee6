// The other unit of tls.c.
_Thread_local int elsewhere = 77;
static _Thread_local int here = 3;
int next(void) { return here += 2; }
int *elsewhere_address(void) { return &elsewhere; }
