/* SPDX-License-Identifier: ISC */
/*
 * act - what the ledger's acts are called, in the terms of ISO/IEC TS 27560
 */
#ifndef POLICY_ACT_H
#define POLICY_ACT_H

/* The type of event that an act (SQL's assent.act) is, and the state it leaves
 * consent in; NULL for an act about no person. */
const char *act_type(const char *act)
    __attribute__((nonnull, warn_unused_result));
const char *act_state(const char *act)
    __attribute__((nonnull, warn_unused_result));

#endif
