<?php
// SPDX-License-Identifier: ISC
//
// mail - a campaign as PHP's mail() and the libraries around it send it
//
//	php -d sendmail_path="SENDMAIL -t -i -f ENVELOPE" mail.php ADDRESS SUBJECT HTML

[, $to, $subject, $html] = $argv;
$headers = [
	'From' => '=?UTF-8?B?' . base64_encode('Żółw Shop') .
	    '?= <shop@news.example.com>',
	'MIME-Version' => '1.0',
	'Content-Type' => 'text/html; charset=UTF-8',
	'Content-Transfer-Encoding' => 'quoted-printable',
	'X-Mailer' => 'PHP/' . phpversion(),
];
exit(mail($to, $subject, quoted_printable_encode($html), $headers) ? 0 : 1);
