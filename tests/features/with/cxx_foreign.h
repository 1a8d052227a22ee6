// The foreign side of cxx_border.cpp. Numbers below 0 make it throw.
#pragma once
struct Custom { int n; Custom(int n) : n(n) {} Custom(const Custom &o) : n(o.n) {} ~Custom() {} };
struct Big { long w[8]; };
struct Foreign { virtual ~Foreign() {} virtual int call(int n); virtual Big big(Big b, int n); };
using Wide = _Complex long double;
extern "C" {
int foreign_simple(int n);
int foreign_many(int a, int b, int c, int d, int e, int f, int g, int h, int n, int i, int j);
Big foreign_aggregate(Big b, int n);
double foreign_variadic(int n, ...);
long double foreign_wide(long double x, int n);
Wide foreign_complex(long double x, int n);
double foreign_doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i, double n);
int foreign_back(int (*f)(int), int n);
int foreign_catches(int (*f)(int), int n);
int foreign_translates(int (*f)(int), int n);
int foreign_uses(Foreign &f, int n);
long double foreign_wide_back(long double (*f)(long double, Big, int), int n);
}
int (*foreign_pointer(int))(int);
long double (*foreign_wide_pointer(int))(long double, int);
Big (*foreign_aggregate_pointer(int))(Big, int);
double (*foreign_variadic_pointer(int))(int, ...);
Foreign *foreign_object(int);
