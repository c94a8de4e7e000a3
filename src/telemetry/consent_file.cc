#include "telemetry/consent_file.h"
