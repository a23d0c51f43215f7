/* SPDX-License-Identifier: ISC */
/*
 * noop - a libmilter filter that does nothing
 *
 * What a mail server pays for having any filter at all: a connection, the
 * negotiation and one answer at the end of each message. It registers no
 * callback, so libmilter asks the server to leave out every step that can be
 * left out and answers "continue" to the rest. The benchmark measures the
 * other filters against it.
 */

#include <stdio.h>
#include <stdlib.h>

#include <libmilter/mfapi.h>

static struct smfiDesc noop = {
    .xxfi_name = (char[]){"noop"},
    .xxfi_version = SMFI_VERSION,
};

int
main(int argc, char *argv[])
{
	if (argc != 2) {
		fputs("usage: noop unix:SOCKET\n", stderr);
		return 2;
	}
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(noop) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS) {
		fprintf(stderr, "noop: cannot listen on %s\n", argv[1]);
		return 1;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
