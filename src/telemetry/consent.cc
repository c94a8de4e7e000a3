#include "telemetry/consent.h"
