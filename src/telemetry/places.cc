#include "telemetry/places.h"
