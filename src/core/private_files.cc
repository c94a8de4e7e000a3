#include "core/private_files.h"
