#include "telemetry/endpoint.h"
