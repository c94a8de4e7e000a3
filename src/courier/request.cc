#include "courier/request.h"
