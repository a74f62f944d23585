wsm_add_fuzzer(basic_fuzz LIBRARIES wsm_auth)
wsm_add_fuzzer(users_fuzz LIBRARIES wsm_auth_users)
