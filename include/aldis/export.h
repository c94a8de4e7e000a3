#pragma once
// ALDIS_API marks what libaldis exports; everything else is hidden inside the shared library.

#define ALDIS_API __attribute__((visibility("default")))
