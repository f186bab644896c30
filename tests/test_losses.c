#include "trainer_case.h"
Suite *losses_suite(void);
Suite *losses_suite(void)
{
  return suite_create("losses");
}
