#include "courier/batches.h"
