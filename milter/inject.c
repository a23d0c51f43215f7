/* SPDX-License-Identifier: ISC */
/*
 * inject - hand a message to the MTA by SMTP
 *
 * The only file that knows libcurl.
 */
#include "inject.h"

#include <curl/curl.h>
#include <string.h>

#include "policy/clock.h"

struct reader {
	const char *text;
	size_t left;
};

int
inject_init(struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_NOTHING) != 0)
		return err_set(e, ERR_FATAL, "libcurl does not start");
	return 0;
}

static size_t
read_some(char *to, size_t size, size_t n, void *arg)
{
	struct reader *r = arg;
	size_t some = size * n < r->left ? size * n : r->left;

	memcpy(to, r->text, some);
	r->text += some;
	r->left -= some;
	return some;
}

static CURLcode
perform(CURL *curl, const char *url, int64_t timeout, struct curl_slist *rcpt,
    struct reader *r)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout / CLOCK_MS));
	/* Sent as MAIL FROM:<>. */
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, "");
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, rcpt);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_some);
	curl_easy_setopt(curl, CURLOPT_READDATA, r);
	return curl_easy_perform(curl);
}

int
inject(const char *url, int64_t timeout, const char *rcpt, const char *text,
    size_t len, struct err *e)
{
	struct reader r = {text, len};
	struct curl_slist *list = curl_slist_append(NULL, rcpt);
	CURL *curl = curl_easy_init();
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	long reply = 0;

	if (curl != NULL && list != NULL) {
		rc = perform(curl, url, timeout, list, &r);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
	}
	if (curl != NULL)
		curl_easy_cleanup(curl);
	curl_slist_free_all(list);
	if (rc != CURLE_OK)
		return err_set(e, ERR_UNREACHABLE, "%s: %s (last reply %ld)",
		    url, curl_easy_strerror(rc), reply);
	return 0;
}
