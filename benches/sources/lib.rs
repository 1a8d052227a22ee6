//! Empty: this package exists to name the packages whose C sources are measured.
