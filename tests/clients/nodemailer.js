// SPDX-License-Identifier: ISC
//
// nodemailer - a campaign as a Node.js program sends it
//
//	node nodemailer.js PORT ADDRESS SUBJECT TEXT HTML
//
// With a link of its own in List-Unsubscribe, as many senders have.

"use strict";
const nodemailer = require("nodemailer");
const [port, to, subject, text, html] = process.argv.slice(2);

const transport = nodemailer.createTransport({
	host: "127.0.0.1", port: Number(port), secure: false, ignoreTLS: true,
});
transport.sendMail({
	from: "Żółw Shop <shop@news.example.com>",
	to, subject, text, html,
	list: { unsubscribe: { url: "https://news.example.com/leave",
	    comment: "ours" } },
	attachments: [{ filename: "offer.txt", content: "terms\n" }],
}).then(() => transport.close(), (error) => {
	console.error(error.message);
	process.exitCode = 1;
});
