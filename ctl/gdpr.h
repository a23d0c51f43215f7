/* SPDX-License-Identifier: ISC */
/*
 * gdpr - the purposes that most senders need, with texts to begin with
 *
 * X(slug, what it is a part of, channels, basis, then a title and a text in
 * English, Polish and Italian).  Parents come first.  A sender's lawyer will
 * want to change the texts: assentctl purpose text add makes the next version.
 */
#ifndef CTL_GDPR_H
#define CTL_GDPR_H

/* The one that lets a brand follow what a person opens and clicks. */
#define GDPR_MONITORING "profiling-online"

/* clang-format off */
#define GDPR_PURPOSES(X) \
	X("marketing", "all",\
	    "{email,sms,phone,paper,push,im}", "consent", \
	    "Marketing", \
	    "We may send you news and offers about our products and " \
	    "services, by any of the channels below.", \
	    "Marketing", \
	    "Możemy przesyłać Ci informacje i oferty dotyczące naszych " \
	    "produktów i usług, każdym z poniższych kanałów.", \
	    "Marketing", \
	    "Possiamo inviarti novità e offerte sui nostri prodotti e " \
	    "servizi, con uno qualsiasi dei canali seguenti.") \
	X("marketing-traditional", "marketing",\
	    "{phone,paper}", "consent", \
	    "Marketing by telephone and post", \
	    "We may call you, with a person on the line, or write to you by" \
	    " post about our products and services.", \
	    "Marketing telefoniczny i pocztowy", \
	    "Możemy dzwonić do Ciebie (rozmowa z konsultantem) lub pisać " \
	    "pocztą tradycyjną o naszych produktach i usługach.", \
	    "Marketing per telefono e posta", \
	    "Possiamo chiamarti, con un operatore in linea, o scriverti per" \
	    " posta sui nostri prodotti e servizi.") \
	X("marketing-automatic", "marketing",\
	    "{email,sms,push,im}", "consent", \
	    "Marketing by electronic messages", \
	    "We may send you electronic messages (email, SMS, " \
	    "notifications, instant messages) about our products and " \
	    "services.", \
	    "Marketing elektroniczny", \
	    "Możemy przesyłać Ci wiadomości elektroniczne (e-mail, SMS, " \
	    "powiadomienia, komunikatory) o naszych produktach i usługach.", \
	    "Marketing con messaggi elettronici", \
	    "Possiamo inviarti messaggi elettronici (email, SMS, notifiche," \
	    " messaggistica) sui nostri prodotti e servizi.") \
	X("profiling", "all",\
	    "{email,sms,phone,paper,push,im}", "consent", \
	    "Profiling", \
	    "We may look at what you do and like in order to choose what we" \
	    " offer you.", \
	    "Profilowanie", \
	    "Możemy analizować Twoje działania i upodobania, aby dobierać " \
	    "to, co Ci proponujemy.", \
	    "Profilazione", \
	    "Possiamo analizzare ciò che fai e preferisci per scegliere che" \
	    " cosa proporti.") \
	X("profiling-classic", "profiling",\
	    "{email,sms,phone,paper,push,im}", "consent", \
	    "Profiling by purchases and answers", \
	    "We may use what you buy from us and what you tell us to choose" \
	    " what we offer you.", \
	    "Profilowanie na podstawie zakupów i odpowiedzi", \
	    "Możemy wykorzystywać Twoje zakupy u nas i to, co nam mówisz, " \
	    "aby dobierać to, co Ci proponujemy.", \
	    "Profilazione su acquisti e risposte", \
	    "Possiamo usare ciò che acquisti da noi e ciò che ci dici per " \
	    "scegliere che cosa proporti.") \
	X("profiling-online", "profiling",\
	    "{email,sms,phone,paper,push,im}", "consent", \
	    "Profiling by online behaviour", \
	    "We may use which messages you open, which links you follow and" \
	    " which of our pages you visit to choose what we offer you.", \
	    "Profilowanie na podstawie zachowań w sieci", \
	    "Możemy wykorzystywać to, które wiadomości otwierasz, które " \
	    "linki klikasz i które nasze strony odwiedzasz, aby dobierać " \
	    "to, co Ci proponujemy.", \
	    "Profilazione sul comportamento online", \
	    "Possiamo usare quali messaggi apri, quali link segui e quali " \
	    "nostre pagine visiti per scegliere che cosa proporti.") \
	X("soft-opt-in", "all",\
	    "{email,paper}", "soft-opt-in", \
	    "Similar products", \
	    "Because you bought from us, we may tell you about similar " \
	    "products and services of our own. You can object at any time, " \
	    "free of charge.", \
	    "Podobne produkty", \
	    "Ponieważ dokonałeś u nas zakupu, możemy informować Cię o " \
	    "naszych podobnych produktach i usługach. Możesz się temu " \
	    "sprzeciwić w każdej chwili, bezpłatnie.", \
	    "Prodotti simili", \
	    "Poiché hai acquistato da noi, possiamo informarti su nostri " \
	    "prodotti e servizi simili. Puoi opporti in ogni momento, " \
	    "gratuitamente.") \
	X("soft-opt-in-email", "soft-opt-in",\
	    "{email}", "soft-opt-in", \
	    "Similar products, by email", \
	    "Because you bought from us, we may write to your email address" \
	    " about similar products and services of our own. You can " \
	    "object at any time, free of charge.", \
	    "Podobne produkty, pocztą elektroniczną", \
	    "Ponieważ dokonałeś u nas zakupu, możemy pisać na Twój adres " \
	    "e-mail o naszych podobnych produktach i usługach. Możesz się " \
	    "temu sprzeciwić w każdej chwili, bezpłatnie.", \
	    "Prodotti simili, per email", \
	    "Poiché hai acquistato da noi, possiamo scrivere al tuo " \
	    "indirizzo email su nostri prodotti e servizi simili. Puoi " \
	    "opporti in ogni momento, gratuitamente.") \
	X("soft-opt-in-paper", "soft-opt-in",\
	    "{paper}", "soft-opt-in", \
	    "Similar products, by post", \
	    "Because you bought from us, we may write to you by post about " \
	    "similar products and services of our own. You can object at " \
	    "any time, free of charge.", \
	    "Podobne produkty, pocztą tradycyjną", \
	    "Ponieważ dokonałeś u nas zakupu, możemy pisać do Ciebie pocztą" \
	    " tradycyjną o naszych podobnych produktach i usługach. Możesz " \
	    "się temu sprzeciwić w każdej chwili, bezpłatnie.", \
	    "Prodotti simili, per posta", \
	    "Poiché hai acquistato da noi, possiamo scriverti per posta su " \
	    "nostri prodotti e servizi simili. Puoi opporti in ogni " \
	    "momento, gratuitamente.") \
	X("third-party", "all",\
	    "{email,sms,phone,paper,push,im}", "consent", \
	    "Transfer to third parties", \
	    "We may pass your data on to the partners named in our privacy " \
	    "notice, for the uses below.", \
	    "Przekazywanie danych innym podmiotom", \
	    "Możemy przekazywać Twoje dane partnerom wymienionym w naszej " \
	    "informacji o prywatności, do poniższych celów.", \
	    "Comunicazione a terzi", \
	    "Possiamo comunicare i tuoi dati ai partner indicati nella " \
	    "nostra informativa, per gli usi seguenti.") \
	X("third-party-profiling", "third-party",\
	    "{email,sms,phone,paper,push,im}", "consent", \
	    "Profiling by third parties", \
	    "We may pass your data on to our partners so that they choose " \
	    "what they offer you.", \
	    "Profilowanie przez inne podmioty", \
	    "Możemy przekazywać Twoje dane naszym partnerom, aby dobierali " \
	    "to, co Ci proponują.", \
	    "Profilazione da parte di terzi", \
	    "Possiamo comunicare i tuoi dati ai nostri partner perché " \
	    "scelgano che cosa proporti.") \
	X("third-party-marketing", "third-party",\
	    "{email,sms,phone,paper,push,im}", "consent", \
	    "Marketing by third parties", \
	    "We may pass your data on to our partners so that they send you" \
	    " news and offers of their own.", \
	    "Marketing innych podmiotów", \
	    "Możemy przekazywać Twoje dane naszym partnerom, aby przesyłali" \
	    " Ci własne informacje i oferty.", \
	    "Marketing di terzi", \
	    "Possiamo comunicare i tuoi dati ai nostri partner perché ti " \
	    "inviino proprie novità e offerte.")
/* clang-format on */

#endif
