/* SPDX-License-Identifier: ISC */
/* proof - what does not hold is said; the seed's key is the one below */
#include "ctl/args.h"
#include "ctl/proof.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct command command = {.options = {{"key", "", ""}}};
	struct args a = {
	    .command = &command,
	    .words = {fuzz_file(data, size)},
	    .values = {"BcywJup50lHXaosXb1KEP4tQGoue76xRCIfW55fX4pc="},
	};
	struct ctl *unused = (struct ctl *)&a;
	json_t *out = json_object();
	struct err e = {.text = ""};

	if (examine_run(unused, &a, out, &e) != OUTCOME_DONE)
		assert(e.text[0] != '\0');
	json_decref(out);
	return 0;
}
