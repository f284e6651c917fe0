#include "dtbs/fault.h"

static const char *const names[] = {
#define FAULT_NAME(id, text) text,
    SGN_FAULT_LIST(FAULT_NAME)
#undef FAULT_NAME
};

const char *sgn_fault_name(int fault)
{
    if (fault < 0 || fault >= SGN_FAULT_END)
        return "unknown fault";
    return names[fault];
}
