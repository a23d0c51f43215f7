/* SPDX-License-Identifier: ISC */
/*
 * keys - the secrets of an installation, in one file
 *
 * A file that others may read is refused, not warned about: a key that leaked
 * signs opt-outs for anybody.  A new file is written beside the old one, made
 * durable and renamed over it, so that a crash leaves one of the two whole.
 */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 256, SECRET64 = 45 };

struct keys {
	const char *path;
	struct stat stat; /* of the file when it was read */
	bool has_index;
	uint8_t index[KEYS_SECRET];
	int n, n_ledger;
	struct keys_token token[KEYS_TOKENS];
	struct keys_ledger ledger[KEYS_TOKENS];
};

/* The first word of a line, by enum keys_kind. */
static const char *const words[] = {
    [KEYS_TOKEN] = "token",
    [KEYS_LEDGER] = "ledger",
};

_Static_assert(KEYS_SECRET == crypto_kdf_KEYBYTES, "a secret derives keys");
_Static_assert(KEYS_SECRET == crypto_stream_xchacha20_KEYBYTES, "cipher key");
_Static_assert(KEYS_SECRET == crypto_sign_SEEDBYTES, "a secret seeds a pair");
_Static_assert(KEYS_PUBLIC == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(KEYS_PAIR == crypto_sign_SECRETKEYBYTES, "Ed25519");

const uint8_t *
keys_index(const struct keys *k)
{
	return k->index;
}

const struct keys_token *
keys_signing(const struct keys *k)
{
	return &k->token[0];
}

const struct keys_token *
keys_numbered(const struct keys *k, int number)
{
	for (int i = 0; i < k->n; i++)
		if (k->token[i].number == number)
			return &k->token[i];
	return NULL;
}

const struct keys_ledger *
keys_ledger_at(const struct keys *k, int i)
{
	return i < k->n_ledger ? &k->ledger[i] : NULL;
}

const struct keys_ledger *
keys_ledger_signing(const struct keys *k)
{
	return keys_ledger_at(k, 0);
}

const struct keys_ledger *
keys_ledger_numbered(const struct keys *k, int number)
{
	for (int i = 0; i < k->n_ledger; i++)
		if (k->ledger[i].number == number)
			return &k->ledger[i];
	return NULL;
}

const char *
keys_public_text(const uint8_t public[KEYS_PUBLIC], char out[KEYS_PUBLIC_TEXT])
{
	return sodium_bin2base64(out, KEYS_PUBLIC_TEXT, public, KEYS_PUBLIC,
	    sodium_base64_VARIANT_ORIGINAL);
}

bool
keys_public_parse(const char *text, uint8_t out[KEYS_PUBLIC])
{
	size_t n = 0;

	return sodium_init() >= 0 &&
	    sodium_base642bin(out, KEYS_PUBLIC, text, strlen(text), NULL, &n,
		NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    n == KEYS_PUBLIC;
}

static int
add_token(struct keys *k, int number, const uint8_t secret[KEYS_SECRET],
    struct err *e)
{
	struct keys_token *t = &k->token[k->n];

	if (number < 0 || number >= KEYS_TOKENS)
		return err_set(e, ERR_FATAL, "the number must be 0 to %d",
		    KEYS_TOKENS - 1);
	if (keys_numbered(k, number) != NULL)
		return err_set(e, ERR_FATAL, "token %d stands twice", number);
	t->number = number;
	crypto_kdf_derive_from_key(
	    t->mac, sizeof(t->mac), 1, "assent-t", secret);
	crypto_kdf_derive_from_key(
	    t->cipher, sizeof(t->cipher), 2, "assent-t", secret);
	k->n++;
	return 0;
}

static int
add_ledger(struct keys *k, int number, const uint8_t secret[KEYS_SECRET],
    struct err *e)
{
	struct keys_ledger *l = &k->ledger[k->n_ledger];

	if (number < 0 || number >= KEYS_TOKENS)
		return err_set(e, ERR_FATAL, "the number must be 0 to %d",
		    KEYS_TOKENS - 1);
	if (keys_ledger_numbered(k, number) != NULL)
		return err_set(e, ERR_FATAL, "ledger %d stands twice", number);
	l->number = number;
	crypto_sign_seed_keypair(l->public, l->secret, secret);
	k->n_ledger++;
	return 0;
}

static int
add_index(struct keys *k, const uint8_t secret[KEYS_SECRET], struct err *e)
{
	if (k->has_index)
		return err_set(e, ERR_FATAL, "a second index line");
	memcpy(k->index, secret, KEYS_SECRET);
	k->has_index = true;
	return 0;
}

static int
parse_secret(const char *text, uint8_t out[KEYS_SECRET], struct err *e)
{
	size_t n = 0;

	if (sodium_base642bin(out, KEYS_SECRET, text, strlen(text), NULL, &n,
		NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != KEYS_SECRET)
		return err_set(e, ERR_FATAL,
		    "the secret is not %d octets in base64", KEYS_SECRET);
	return 0;
}

static int
parse_line(struct keys *k, char *line, struct err *e)
{
	uint8_t secret[KEYS_SECRET];
	char word[8] = "", text[SECRET64 + 1] = "";
	int number, rc, end = 0;

	if (strchr(line, '\n') == NULL && strlen(line) == LINE - 1)
		return err_set(e, ERR_FATAL, "longer than %d", LINE - 2);
	line[strcspn(line, "#\r\n")] = '\0';
	if (line[strspn(line, " \t")] == '\0')
		return 0;
	if (sscanf(line, " %7s %4d %45s %n", word, &number, text, &end) == 3 &&
	    strcmp(word, "token") == 0) {
		rc = parse_secret(text, secret, e);
		rc = rc == 0 ? add_token(k, number, secret, e) : -1;
	} else if (sscanf(line, " %7s %4d %45s %n", word, &number, text,
		       &end) == 3 &&
	    strcmp(word, "ledger") == 0) {
		rc = parse_secret(text, secret, e);
		rc = rc == 0 ? add_ledger(k, number, secret, e) : -1;
	} else if (sscanf(line, " %7s %45s %n", word, text, &end) == 2 &&
	    strcmp(word, "index") == 0) {
		rc = parse_secret(text, secret, e);
		rc = rc == 0 ? add_index(k, secret, e) : -1;
	} else {
		rc = err_set(e, ERR_FATAL,
		    "neither \"index SECRET\" nor \"token NUMBER SECRET\" "
		    "nor \"ledger NUMBER SECRET\"");
	}
	if (rc == 0 && line[end] != '\0')
		rc = err_set(e, ERR_FATAL, "more than a secret");
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(text, sizeof(text));
	return rc;
}

const char *
keys_path(const struct keys *k)
{
	return k->path;
}

bool
keys_outdated(const struct keys *k)
{
	struct stat st;

	return stat(k->path, &st) != 0 || st.st_ino != k->stat.st_ino ||
	    st.st_size != k->stat.st_size ||
	    st.st_mtim.tv_sec != k->stat.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != k->stat.st_mtim.tv_nsec;
}

static int
check_mode(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(e, ERR_FATAL, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_FATAL, "%s: not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_FATAL,
		    "%s: mode %04o lets others read the keys: chmod 600 %s",
		    path, st.st_mode & 07777, path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(e, ERR_FATAL,
		    "%s: belongs to user %u, must be root's or that of the "
		    "program's user %u",
		    path, (unsigned)st.st_uid, (unsigned)geteuid());
	return 0;
}

static FILE *
open_checked(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	FILE *f;

	if (fd < 0) {
		err_set(e, ERR_FATAL, "%s: %s%s", path, strerror(errno),
		    errno == ENOENT ? " (assentctl keys new makes it)" : "");
		return NULL;
	}
	if (check_mode(fd, path, e) != 0) {
		close(fd);
		return NULL;
	}
	f = fdopen(fd, "r");
	if (f == NULL) {
		err_set(e, ERR_FATAL, "%s: %s", path, strerror(errno));
		close(fd);
	}
	return f;
}

static int
parse_file(struct keys *k, FILE *f, const char *path, struct err *e)
{
	char line[LINE];
	int number = 0, rc = 0;

	while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
		number++;
		rc = parse_line(k, line, e);
		if (rc != 0)
			err_prefix(e, "%s:%d", path, number);
	}
	sodium_memzero(line, sizeof(line));
	if (rc != 0)
		return -1;
	if (ferror(f))
		return err_set(e, ERR_FATAL, "%s: cannot be read", path);
	if (!k->has_index || k->n == 0)
		return err_set(e, ERR_FATAL,
		    "%s: needs one index line and at least one token line",
		    path);
	return 0;
}

struct keys *
keys_load(const char *path, struct err *e)
{
	struct keys *k;
	FILE *f;

	if (sodium_init() < 0) {
		err_set(e, ERR_FATAL, "libsodium does not start");
		return NULL;
	}
	f = open_checked(path, e);
	if (f == NULL)
		return NULL;
	/* stdio's buffer would keep a copy of the secrets. */
	setvbuf(f, NULL, _IONBF, 0);
	k = sodium_allocarray(1, sizeof(*k));
	if (k == NULL) {
		err_set(e, ERR_FATAL, "%s: no locked memory for keys", path);
	} else {
		memset(k, 0, sizeof(*k));
		k->path = path;
		if (fstat(fileno(f), &k->stat) != 0 ||
		    parse_file(k, f, path, e) != 0)
			keys_free(&k);
	}
	fclose(f);
	return k;
}

void
keys_free(struct keys **k)
{
	if (*k != NULL)
		sodium_free(*k);
	*k = NULL;
}

static void
print_secret(FILE *f, const char *before)
{
	uint8_t secret[KEYS_SECRET];
	char text[SECRET64];

	randombytes_buf(secret, sizeof(secret));
	sodium_bin2base64(text, sizeof(text), secret, sizeof(secret),
	    sodium_base64_VARIANT_ORIGINAL);
	fprintf(f, "%s %s\n", before, text);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(text, sizeof(text));
}

/* Makes what was written durable. */
static int
finish(FILE *f, const char *path, struct err *e)
{
	bool ok = fflush(f) == 0 && fsync(fileno(f)) == 0;

	if (fclose(f) != 0 || !ok)
		return err_set(e, ERR_FATAL, "%s: cannot be written", path);
	return 0;
}

/* A new file of mode 0600 that did not exist. */
static FILE *
create(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (f == NULL) {
		err_set(e, errno == EEXIST ? ERR_REFUSED : ERR_FATAL, "%s: %s",
		    path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	setvbuf(f, NULL, _IONBF, 0);
	return f;
}

int
keys_create(const char *path, struct err *e)
{
	FILE *f;

	if (sodium_init() < 0)
		return err_set(e, ERR_FATAL, "libsodium does not start");
	f = create(path, e);
	if (f == NULL)
		return -1;
	fputs("# Assent's keys. Keep them secret, and keep a copy: without\n"
	      "# them no link ever sent can be opened again.\n",
	    f);
	print_secret(f, "index");
	print_secret(f, "token 0");
	print_secret(f, "ledger 0");
	return finish(f, path, e);
}

static bool
taken(const struct keys *k, enum keys_kind kind, int number)
{
	return kind == KEYS_LEDGER ? keys_ledger_numbered(k, number) != NULL
				   : keys_numbered(k, number) != NULL;
}

/* The number of the key of a kind that signs, -1 when there is none. */
static int
signing_number(const struct keys *k, enum keys_kind kind)
{
	if (kind == KEYS_TOKEN)
		return keys_signing(k)->number;
	return k->n_ledger == 0 ? -1 : k->ledger[0].number;
}

static int
free_number(const char *path, enum keys_kind kind, int *number, struct err *e)
{
	struct keys *k = keys_load(path, e);

	if (k == NULL)
		return -1;
	/* Ascending and around, so that old numbers rest the longest. */
	*number = (signing_number(k, kind) + 1) % KEYS_TOKENS;
	for (int i = 0; i < KEYS_TOKENS; i++) {
		if (!taken(k, kind, *number)) {
			keys_free(&k);
			return 0;
		}
		*number = (*number + 1) % KEYS_TOKENS;
	}
	keys_free(&k);
	return err_set(e, ERR_REFUSED,
	    "%s: all %d numbers are taken: remove a %s line whose %s nobody "
	    "can still hold",
	    path, KEYS_TOKENS, words[kind],
	    kind == KEYS_TOKEN ? "links" : "proofs");
}

static int
copy_below_new(
    FILE *to, const char *path, enum keys_kind kind, int number, struct err *e)
{
	FILE *from = open_checked(path, e);
	size_t len = strlen(words[kind]);
	char line[LINE] = "\n", head[32];
	bool placed = false, whole;

	if (from == NULL)
		return -1;
	setvbuf(from, NULL, _IONBF, 0);
	snprintf(head, sizeof(head), "%s %d", words[kind], number);
	while (fgets(line, sizeof(line), from) != NULL) {
		if (!placed &&
		    strncmp(line + strspn(line, " \t"), words[kind], len) ==
			0) {
			print_secret(to, head);
			placed = true;
		}
		fputs(line, to);
	}
	/* A shortened copy would lose keys, and every link they made. */
	whole = !ferror(from) && (placed || kind != KEYS_TOKEN);
	/* The first of its kind goes to the end. */
	if (whole && !placed) {
		if (strchr(line, '\n') == NULL)
			putc('\n', to);
		print_secret(to, head);
	}
	sodium_memzero(line, sizeof(line));
	fclose(from);
	return whole ? 0 : err_set(e, ERR_FATAL, "%s: cannot be copied", path);
}

static int
keep_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0)
		return 0;
	return err_set(e, ERR_FATAL, "%s: cannot keep its owner: %s", path,
	    strerror(errno));
}

int
keys_rotate(const char *path, enum keys_kind kind, int *number, struct err *e)
{
	char beside[PATH_MAX];
	FILE *f;
	int rc;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >=
	    sizeof(beside))
		return err_set(e, ERR_REFUSED, "%s: path too long", path);
	if (free_number(path, kind, number, e) != 0)
		return -1;
	f = create(beside, e);
	if (f == NULL)
		return err_prefix(e,
		    "the new file is written beside the old one; if an "
		    "interrupted rotation left it there, remove it");
	rc = keep_owner(fileno(f), path, e);
	if (rc == 0)
		rc = copy_below_new(f, path, kind, *number, e);
	if (rc == 0)
		rc = finish(f, beside, e);
	else
		fclose(f);
	if (rc == 0 && rename(beside, path) != 0)
		rc = err_set(e, ERR_FATAL, "%s: %s", path, strerror(errno));
	if (rc != 0)
		unlink(beside);
	return rc;
}
