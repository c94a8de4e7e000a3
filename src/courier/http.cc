#include "courier/http.h"
