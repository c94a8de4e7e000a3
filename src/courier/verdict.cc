#include "courier/verdict.h"
