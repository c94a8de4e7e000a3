#include "courier/delivery.h"
