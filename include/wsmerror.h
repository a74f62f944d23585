/* Error codes of WS-Management and WinRS by Microsoft's names, and the Win32 codes
 * that this API returns. Numbers only: texts come from WSManGetErrorMessage.
 *
 * Every value is an unsigned integer literal, usable in #if and equal to the DWORD
 * that the functions return and WSMAN_ERROR.code carries. Microsoft writes the same
 * numbers with the suffix L, which is signed trouble where long has 64 bits.
 * The list is complete: facility 0x33, 511 codes in order of their value; gaps are
 * numbers that Microsoft never gave a name (source: wsmerror.h, SDK 10.0.16299). */
#ifndef WSMERROR_H
#define WSMERROR_H

#ifdef _WIN32
#include <winerror.h>
#endif

#ifndef FACILITY_WINRM
#define FACILITY_WINRM 0x33
#endif

/* Win32 codes, guarded: other headers define some of them too. */
#ifndef ERROR_SUCCESS
#define ERROR_SUCCESS 0U
#endif
#ifndef ERROR_FILE_NOT_FOUND
#define ERROR_FILE_NOT_FOUND 2U
#endif
#ifndef ERROR_ACCESS_DENIED
#define ERROR_ACCESS_DENIED 5U
#endif
#ifndef ERROR_NOT_ENOUGH_MEMORY
#define ERROR_NOT_ENOUGH_MEMORY 8U
#endif
#ifndef ERROR_OUTOFMEMORY
#define ERROR_OUTOFMEMORY 14U
#endif
#ifndef ERROR_NOT_SUPPORTED
#define ERROR_NOT_SUPPORTED 50U
#endif
#ifndef ERROR_BAD_NETPATH
#define ERROR_BAD_NETPATH 53U
#endif
#ifndef ERROR_INVALID_PARAMETER
#define ERROR_INVALID_PARAMETER 87U
#endif
#ifndef ERROR_BROKEN_PIPE
#define ERROR_BROKEN_PIPE 109U
#endif
#ifndef ERROR_INSUFFICIENT_BUFFER
#define ERROR_INSUFFICIENT_BUFFER 122U
#endif
#ifndef ERROR_BUSY
#define ERROR_BUSY 170U
#endif
#ifndef ERROR_OPERATION_ABORTED
#define ERROR_OPERATION_ABORTED 995U
#endif
#ifndef ERROR_SHUTDOWN_IN_PROGRESS
#define ERROR_SHUTDOWN_IN_PROGRESS 1115U
#endif
#ifndef ERROR_POSSIBLE_DEADLOCK
#define ERROR_POSSIBLE_DEADLOCK 1131U
#endif
#ifndef ERROR_CANCELLED
#define ERROR_CANCELLED 1223U
#endif
#ifndef ERROR_NO_LOGON_SERVERS
#define ERROR_NO_LOGON_SERVERS 1311U
#endif
#ifndef ERROR_NO_SUCH_LOGON_SESSION
#define ERROR_NO_SUCH_LOGON_SESSION 1312U
#endif
#ifndef ERROR_LOGON_FAILURE
#define ERROR_LOGON_FAILURE 1326U
#endif
#ifndef ERROR_INTERNAL_ERROR
#define ERROR_INTERNAL_ERROR 1359U
#endif
#ifndef ERROR_TIMEOUT
#define ERROR_TIMEOUT 1460U
#endif
#ifndef RPC_S_SERVER_UNAVAILABLE
#define RPC_S_SERVER_UNAVAILABLE 1722U
#endif
#ifndef ERROR_RESOURCE_LANG_NOT_FOUND
#define ERROR_RESOURCE_LANG_NOT_FOUND 1815U
#endif
#ifndef ERROR_INVALID_STATE
#define ERROR_INVALID_STATE 5023U
#endif

/* WS-Management and WinRS. Some names lack the usual prefix; spellings are Microsoft's. */
#define ERROR_WSMAN_RESOURCE_NOT_FOUND                                          0x80338000U
#define ERROR_WSMAN_INVALID_ACTIONURI                                           0x80338001U
#define ERROR_WSMAN_INVALID_URI                                                 0x80338002U
#define ERROR_WSMAN_PROVIDER_FAILURE                                            0x80338003U
#define ERROR_WSMAN_BATCH_COMPLETE                                              0x80338004U
#define ERROR_WSMAN_CONFIG_CORRUPTED                                            0x80338005U
#define ERROR_WSMAN_PULL_IN_PROGRESS                                            0x80338006U
#define ERROR_WSMAN_ENUMERATION_CLOSED                                          0x80338007U
#define ERROR_WSMAN_SUBSCRIPTION_CLOSED                                         0x80338008U
#define ERROR_WSMAN_SUBSCRIPTION_CLOSE_IN_PROGRESS                              0x80338009U
#define ERROR_WSMAN_SUBSCRIPTION_CLIENT_DID_NOT_CALL_WITHIN_HEARTBEAT           0x8033800AU
#define ERROR_WSMAN_SUBSCRIPTION_NO_HEARTBEAT                                   0x8033800BU
#define ERROR_WSMAN_UNSUPPORTED_TIMEOUT                                         0x8033800CU
#define ERROR_WSMAN_SOAP_VERSION_MISMATCH                                       0x8033800DU
#define ERROR_WSMAN_SOAP_DATA_ENCODING_UNKNOWN                                  0x8033800EU
#define ERROR_WSMAN_INVALID_MESSAGE_INFORMATION_HEADER                          0x8033800FU
#define ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND                                  0x80338010U
#define ERROR_WSMAN_MESSAGE_INFORMATION_HEADER_REQUIRED                         0x80338011U
#define ERROR_WSMAN_DESTINATION_UNREACHABLE                                     0x80338012U
#define ERROR_WSMAN_ACTION_NOT_SUPPORTED                                        0x80338013U
#define ERROR_WSMAN_ENDPOINT_UNAVAILABLE                                        0x80338014U
#define ERROR_WSMAN_INVALID_REPRESENTATION                                      0x80338015U
#define ERROR_WSMAN_ENUMERATE_INVALID_EXPIRATION_TIME                           0x80338016U
#define ERROR_WSMAN_ENUMERATE_UNSUPPORTED_EXPIRATION_TIME                       0x80338017U
#define ERROR_WSMAN_ENUMERATE_FILTERING_NOT_SUPPORTED                           0x80338018U
#define ERROR_WSMAN_ENUMERATE_FILTER_DIALECT_REQUESTED_UNAVAILABLE              0x80338019U
#define ERROR_WSMAN_ENUMERATE_CANNOT_PROCESS_FILTER                             0x8033801AU
#define ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT                       0x8033801BU
#define ERROR_WSMAN_ENUMERATE_TIMED_OUT                                         0x8033801CU
#define ERROR_WSMAN_ENUMERATE_UNABLE_TO_RENEW                                   0x8033801DU
#define ERROR_WSMAN_EVENTING_DELIVERY_MODE_REQUESTED_UNAVAILABLE                0x8033801EU
#define ERROR_WSMAN_EVENTING_INVALID_EXPIRATION_TIME                            0x8033801FU
#define ERROR_WSMAN_EVENTING_UNSUPPORTED_EXPIRATION_TYPE                        0x80338020U
#define ERROR_WSMAN_EVENTING_FILTERING_NOT_SUPPORTED                            0x80338021U
#define ERROR_WSMAN_EVENTING_FILTERING_REQUESTED_UNAVAILABLE                    0x80338022U
#define ERROR_WSMAN_EVENTING_SOURCE_UNABLE_TO_PROCESS                           0x80338023U
#define ERROR_WSMAN_EVENTING_UNABLE_TO_RENEW                                    0x80338024U
#define ERROR_WSMAN_EVENTING_INVALID_MESSAGE                                    0x80338025U
#define ERROR_WSMAN_ENVELOPE_TOO_LARGE                                          0x80338026U
#define ERROR_WSMAN_INVALID_SOAP_BODY                                           0x80338027U
#define ERROR_WSMAN_INVALID_RESUMPTION_CONTEXT                                  0x80338028U
#define ERROR_WSMAN_OPERATION_TIMEDOUT                                          0x80338029U
#define ERROR_WSMAN_RESUMPTION_NOT_SUPPORTED                                    0x8033802AU
#define ERROR_WSMAN_RESUMPTION_TYPE_NOT_SUPPORTED                               0x8033802BU
#define ERROR_WSMAN_UNSUPPORTED_ENCODING                                        0x8033802CU
#define ERROR_WSMAN_URI_LIMIT                                                   0x8033802DU
#define ERROR_WSMAN_INVALID_PROPOSED_ID                                         0x8033802EU
#define ERROR_WSMAN_INVALID_BATCH_PARAMETER                                     0x8033802FU
#define ERROR_WSMAN_NO_ACK                                                      0x80338030U
#define ERROR_WSMAN_ACTION_MISMATCH                                             0x80338031U
#define ERROR_WSMAN_CONCURRENCY                                                 0x80338032U
#define ERROR_WSMAN_ALREADY_EXISTS                                              0x80338033U
#define ERROR_WSMAN_DELIVERY_REFUSED                                            0x80338034U
#define ERROR_WSMAN_ENCODING_LIMIT                                              0x80338035U
#define ERROR_WSMAN_FAILED_AUTHENTICATION                                       0x80338036U
#define ERROR_WSMAN_INCOMPATIBLE_EPR                                            0x80338037U
#define ERROR_WSMAN_INVALID_BOOKMARK                                            0x80338038U
#define ERROR_WSMAN_INVALID_OPTIONS                                             0x80338039U
#define ERROR_WSMAN_INVALID_PARAMETER                                           0x8033803AU
#define ERROR_WSMAN_INVALID_RESOURCE_URI                                        0x8033803BU
#define ERROR_WSMAN_INVALID_SYSTEM                                              0x8033803CU
#define ERROR_WSMAN_INVALID_SELECTORS                                           0x8033803DU
#define ERROR_WSMAN_METADATA_REDIRECT                                           0x8033803EU
#define ERROR_WSMAN_QUOTA_LIMIT                                                 0x8033803FU
#define ERROR_WSMAN_RENAME_FAILURE                                              0x80338040U
#define ERROR_WSMAN_SCHEMA_VALIDATION_ERROR                                     0x80338041U
#define ERROR_WSMAN_UNSUPPORTED_FEATURE                                         0x80338042U
#define ERROR_WSMAN_INVALID_XML                                                 0x80338043U
#define ERROR_WSMAN_INVALID_KEY                                                 0x80338044U
#define ERROR_WSMAN_DELIVER_IN_PROGRESS                                         0x80338045U
#define ERROR_WSMAN_SYSTEM_NOT_FOUND                                            0x80338046U
#define ERROR_WSMAN_MAX_ENVELOPE_SIZE                                           0x80338047U
#define ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED                                  0x80338048U
#define ERROR_WSMAN_SERVER_ENVELOPE_LIMIT                                       0x80338049U
#define ERROR_WSMAN_SELECTOR_LIMIT                                              0x8033804AU
#define ERROR_WSMAN_OPTION_LIMIT                                                0x8033804BU
#define ERROR_WSMAN_CHARACTER_SET                                               0x8033804CU
#define ERROR_WSMAN_UNREPORTABLE_SUCCESS                                        0x8033804DU
#define ERROR_WSMAN_WHITESPACE                                                  0x8033804EU
#define ERROR_WSMAN_FILTERING_REQUIRED                                          0x8033804FU
#define ERROR_WSMAN_BOOKMARK_EXPIRED                                            0x80338050U
#define ERROR_WSMAN_OPTIONS_NOT_SUPPORTED                                       0x80338051U
#define ERROR_WSMAN_OPTIONS_INVALID_NAME                                        0x80338052U
#define ERROR_WSMAN_OPTIONS_INVALID_VALUE                                       0x80338053U
#define ERROR_WSMAN_PARAMETER_TYPE_MISMATCH                                     0x80338054U
#define ERROR_WSMAN_INVALID_PARAMETER_NAME                                      0x80338055U
#define ERROR_WSMAN_INVALID_XML_VALUES                                          0x80338056U
#define ERROR_WSMAN_INVALID_XML_MISSING_VALUES                                  0x80338057U
#define ERROR_WSMAN_INVALID_XML_NAMESPACE                                       0x80338058U
#define ERROR_WSMAN_INVALID_XML_FRAGMENT                                        0x80338059U
#define ERROR_WSMAN_INSUFFCIENT_SELECTORS                                       0x8033805AU
#define ERROR_WSMAN_UNEXPECTED_SELECTORS                                        0x8033805BU
#define ERROR_WSMAN_SELECTOR_TYPEMISMATCH                                       0x8033805CU
#define ERROR_WSMAN_INVALID_SELECTOR_VALUE                                      0x8033805DU
#define ERROR_WSMAN_AMBIGUOUS_SELECTORS                                         0x8033805EU
#define ERROR_WSMAN_DUPLICATE_SELECTORS                                         0x8033805FU
#define ERROR_WSMAN_INVALID_TARGET_SELECTORS                                    0x80338060U
#define ERROR_WSMAN_INVALID_TARGET_RESOURCEURI                                  0x80338061U
#define ERROR_WSMAN_INVALID_TARGET_SYSTEM                                       0x80338062U
#define ERROR_WSMAN_TARGET_ALREADY_EXISTS                                       0x80338063U
#define ERROR_WSMAN_AUTHORIZATION_MODE_NOT_SUPPORTED                            0x80338064U
#define ERROR_WSMAN_ACK_NOT_SUPPORTED                                           0x80338065U
#define ERROR_WSMAN_OPERATION_TIMEOUT_NOT_SUPPORTED                             0x80338066U
#define ERROR_WSMAN_LOCALE_NOT_SUPPORTED                                        0x80338067U
#define ERROR_WSMAN_EXPIRATION_TIME_NOT_SUPPORTED                               0x80338068U
#define ERROR_WSMAN_DELIVERY_RETRIES_NOT_SUPPORTED                              0x80338069U
#define ERROR_WSMAN_HEARTBEATS_NOT_SUPPORTED                                    0x8033806AU
#define ERROR_WSMAN_BOOKMARKS_NOT_SUPPORTED                                     0x8033806BU
#define ERROR_WSMAN_MAXITEMS_NOT_SUPPORTED                                      0x8033806CU
#define ERROR_WSMAN_MAXTIME_NOT_SUPPORTED                                       0x8033806DU
#define ERROR_WSMAN_MAXENVELOPE_SIZE_NOT_SUPPORTED                              0x8033806EU
#define ERROR_WSMAN_MAXENVELOPE_POLICY_NOT_SUPPORTED                            0x8033806FU
#define ERROR_WSMAN_FILTERING_REQUIRED_NOT_SUPPORTED                            0x80338070U
#define ERROR_WSMAN_INSECURE_ADDRESS_NOT_SUPPORTED                              0x80338071U
#define ERROR_WSMAN_FORMAT_MISMATCH_NOT_SUPPORTED                               0x80338072U
#define ERROR_WSMAN_FORMAT_SECURITY_TOKEN_NOT_SUPPORTED                         0x80338073U
#define ERROR_WSMAN_BAD_METHOD                                                  0x80338074U
#define ERROR_WSMAN_UNSUPPORTED_MEDIA                                           0x80338075U
#define ERROR_WSMAN_UNSUPPORTED_ADDRESSING_MODE                                 0x80338076U
#define ERROR_WSMAN_FRAGMENT_TRANSFER_NOT_SUPPORTED                             0x80338077U
#define ERROR_WSMAN_ENUMERATION_INITIALIZING                                    0x80338078U
#define ERROR_WSMAN_CONNECTOR_GET                                               0x80338079U
#define ERROR_WSMAN_URI_QUERY_STRING_SYNTAX_ERROR                               0x8033807AU
#define ERROR_WSMAN_INEXISTENT_MAC_ADDRESS                                      0x8033807BU
#define ERROR_WSMAN_NO_UNICAST_ADDRESSES                                        0x8033807CU
#define ERROR_WSMAN_NO_DHCP_ADDRESSES                                           0x8033807DU
#define ERROR_WSMAN_MIN_ENVELOPE_SIZE                                           0x8033807EU
#define ERROR_WSMAN_EPR_NESTING_EXCEEDED                                        0x8033807FU
#define ERROR_WSMAN_REQUEST_INIT_ERROR                                          0x80338080U
#define ERROR_WSMAN_INVALID_TIMEOUT_HEADER                                      0x80338081U
#define ERROR_WSMAN_CERT_NOT_FOUND                                              0x80338082U
#define ERROR_WSMAN_PLUGIN_FAILED                                               0x80338083U
#define ERROR_WSMAN_ENUMERATION_INVALID                                         0x80338084U
#define ERROR_WSMAN_CONFIG_CANNOT_CHANGE_MUTUAL                                 0x80338085U
#define ERROR_WSMAN_ENUMERATION_MODE_UNSUPPORTED                                0x80338086U
#define ERROR_WSMAN_MUSTUNDERSTAND_ON_LOCALE_UNSUPPORTED                        0x80338087U
#define ERROR_WSMAN_POLICY_CORRUPTED                                            0x80338088U
#define ERROR_WSMAN_LISTENER_ADDRESS_INVALID                                    0x80338089U
#define ERROR_WSMAN_CONFIG_CANNOT_CHANGE_GPO_CONTROLLED_SETTING                 0x8033808AU
#define ERROR_WSMAN_EVENTING_CONCURRENT_CLIENT_RECEIVE                          0x8033808BU
#define ERROR_WSMAN_EVENTING_FAST_SENDER                                        0x8033808CU
#define ERROR_WSMAN_EVENTING_INSECURE_PUSHSUBSCRIPTION_CONNECTION               0x8033808DU
#define ERROR_WSMAN_EVENTING_INVALID_EVENTSOURCE                                0x8033808EU
#define ERROR_WSMAN_EVENTING_NOMATCHING_LISTENER                                0x8033808FU
#define ERROR_WSMAN_FRAGMENT_DIALECT_REQUESTED_UNAVAILABLE                      0x80338090U
#define ERROR_WSMAN_MISSING_FRAGMENT_PATH                                       0x80338091U
#define ERROR_WSMAN_INVALID_FRAGMENT_DIALECT                                    0x80338092U
#define ERROR_WSMAN_INVALID_FRAGMENT_PATH                                       0x80338093U
#define ERROR_WSMAN_EVENTING_INCOMPATIBLE_BATCHPARAMS_AND_DELIVERYMODE          0x80338094U
#define ERROR_WSMAN_EVENTING_LOOPBACK_TESTFAILED                                0x80338095U
#define ERROR_WSMAN_EVENTING_INVALID_ENDTO_ADDRESSS                             0x80338096U
#define ERROR_WSMAN_EVENTING_INVALID_INCOMING_EVENT_PACKET_HEADER               0x80338097U
#define ERROR_WSMAN_SESSION_ALREADY_CLOSED                                      0x80338098U
#define ERROR_WSMAN_SUBSCRIPTION_LISTENER_NOLONGERVALID                         0x80338099U
#define ERROR_WSMAN_PROVIDER_LOAD_FAILED                                        0x8033809AU
#define ERROR_WSMAN_EVENTING_SUBSCRIPTIONCLOSED_BYREMOTESERVICE                 0x8033809BU
#define ERROR_WSMAN_EVENTING_DELIVERYFAILED_FROMSOURCE                          0x8033809CU
#define ERROR_WSMAN_SECURITY_UNMAPPED                                           0x8033809DU
#define ERROR_WSMAN_EVENTING_SUBSCRIPTION_CANCELLED_BYSOURCE                    0x8033809EU
#define ERROR_WSMAN_INVALID_HOSTNAME_PATTERN                                    0x8033809FU
#define ERROR_WSMAN_EVENTING_MISSING_NOTIFYTO                                   0x803380A0U
#define ERROR_WSMAN_EVENTING_MISSING_NOTIFYTO_ADDRESSS                          0x803380A1U
#define ERROR_WSMAN_EVENTING_INVALID_NOTIFYTO_ADDRESSS                          0x803380A2U
#define ERROR_WSMAN_EVENTING_INVALID_LOCALE_IN_DELIVERY                         0x803380A3U
#define ERROR_WSMAN_EVENTING_INVALID_HEARTBEAT                                  0x803380A4U
#define ERROR_WSMAN_MACHINE_OPTION_REQUIRED                                     0x803380A5U
#define ERROR_WSMAN_UNSUPPORTED_FEATURE_OPTIONS                                 0x803380A6U
#define ERROR_WSMAN_BATCHSIZE_TOO_SMALL                                         0x803380A7U
#define ERROR_WSMAN_EVENTING_DELIVERY_MODE_REQUESTED_INVALID                    0x803380A8U
#define ERROR_WSMAN_PROVSYS_NOT_SUPPORTED                                       0x803380A9U
#define ERROR_WSMAN_PUSH_SUBSCRIPTION_CONFIG_INVALID                            0x803380AAU
#define ERROR_WSMAN_CREDS_PASSED_WITH_NO_AUTH_FLAG                              0x803380ABU
#define ERROR_WSMAN_CLIENT_INVALID_FLAG                                         0x803380ACU
#define ERROR_WSMAN_CLIENT_MULTIPLE_AUTH_FLAGS                                  0x803380ADU
#define ERROR_WSMAN_CLIENT_SPN_WRONG_AUTH                                       0x803380AEU
#define ERROR_WSMAN_CLIENT_CERT_UNNEEDED_CREDS                                  0x803380AFU
#define ERROR_WSMAN_CLIENT_USERNAME_PASSWORD_NEEDED                             0x803380B0U
#define ERROR_WSMAN_CLIENT_CERT_UNNEEDED_USERNAME                               0x803380B1U
#define ERROR_WSMAN_CLIENT_CREDENTIALS_NEEDED                                   0x803380B2U
#define ERROR_WSMAN_CLIENT_CREDENTIALS_FLAG_NEEDED                              0x803380B3U
#define ERROR_WSMAN_CLIENT_CERT_NEEDED                                          0x803380B4U
#define ERROR_WSMAN_CLIENT_CERT_UNKNOWN_TYPE                                    0x803380B5U
#define ERROR_WSMAN_CLIENT_CERT_UNKNOWN_LOCATION                                0x803380B6U
#define ERROR_WSMAN_CLIENT_INVALID_CERT                                         0x803380B7U
#define ERROR_WSMAN_CLIENT_LOCAL_INVALID_CREDS                                  0x803380B8U
#define ERROR_WSMAN_CLIENT_LOCAL_INVALID_CONNECTION_OPTIONS                     0x803380B9U
#define ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM                             0x803380BAU
#define ERROR_WSMAN_CLIENT_ENUMERATE_NULL_PARAM                                 0x803380BBU
#define ERROR_WSMAN_CLIENT_SUBSCRIBE_NULL_PARAM                                 0x803380BCU
#define ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM                                    0x803380BDU
#define ERROR_WSMAN_CLIENT_NO_HANDLE                                            0x803380BEU
#define ERROR_WSMAN_CLIENT_BLANK_URI                                            0x803380BFU
#define ERROR_WSMAN_CLIENT_INVALID_RESOURCE_LOCATOR                             0x803380C0U
#define ERROR_WSMAN_CLIENT_BLANK_INPUT_XML                                      0x803380C1U
#define ERROR_WSMAN_CLIENT_BATCH_ITEMS_TOO_SMALL                                0x803380C2U
#define ERROR_WSMAN_CLIENT_MAX_CHARS_TOO_SMALL                                  0x803380C3U
#define ERROR_WSMAN_CLIENT_BLANK_ACTION_URI                                     0x803380C4U
#define ERROR_WSMAN_CLIENT_ZERO_HEARTBEAT                                       0x803380C5U
#define ERROR_WSMAN_CLIENT_MULTIPLE_DELIVERY_MODES                              0x803380C6U
#define ERROR_WSMAN_CLIENT_MULTIPLE_ENVELOPE_POLICIES                           0x803380C7U
#define ERROR_WSMAN_CLIENT_UNKNOWN_EXPIRATION_TYPE                              0x803380C8U
#define ERROR_WSMAN_CLIENT_MISSING_EXPIRATION                                   0x803380C9U
#define ERROR_WSMAN_CLIENT_PULL_INVALID_FLAGS                                   0x803380CAU
#define ERROR_WSMAN_CLIENT_PUSH_UNSUPPORTED_TRANSPORT                           0x803380CBU
#define ERROR_WSMAN_CLIENT_PUSH_HOST_TOO_LONG                                   0x803380CCU
#define ERROR_WSMAN_CLIENT_COMPRESSION_INVALID_OPTION                           0x803380CDU
#define ERROR_WSMAN_CLIENT_DELIVERENDSUBSCRIPTION_NULL_PARAM                    0x803380CEU
#define ERROR_WSMAN_CLIENT_DELIVEREVENTS_NULL_PARAM                             0x803380CFU
#define ERROR_WSMAN_CLIENT_GETBOOKMARK_NULL_PARAM                               0x803380D0U
#define ERROR_WSMAN_CLIENT_DECODEOBJECT_NULL_PARAM                              0x803380D1U
#define ERROR_WSMAN_CLIENT_ENCODEOBJECT_NULL_PARAM                              0x803380D2U
#define ERROR_WSMAN_CLIENT_ENUMERATORADDOBJECT_NULL_PARAM                       0x803380D3U
#define ERROR_WSMAN_CLIENT_ENUMERATORNEXTOBJECT_NULL_PARAM                      0x803380D4U
#define ERROR_WSMAN_CLIENT_CONSTRUCTERROR_NULL_PARAM                            0x803380D5U
#define ERROR_WSMAN_SERVER_NONPULLSUBSCRIBE_NULL_PARAM                          0x803380D6U
#define ERROR_WSMAN_CLIENT_UNENCRYPTED_HTTP_ONLY                                0x803380D7U
#define ERROR_WSMAN_CANNOT_USE_CERTIFICATES_FOR_HTTP                            0x803380D8U
#define ERROR_WSMAN_CONNECTIONSTR_INVALID                                       0x803380D9U
#define ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED                                     0x803380DAU
#define ERROR_WSMAN_PORT_INVALID                                                0x803380DBU
#define ERROR_WSMAN_CONFIG_PORT_INVALID                                         0x803380DCU
#define ERROR_WSMAN_SENDHEARBEAT_EMPTY_ENUMERATOR                               0x803380DDU
#define ERROR_WSMAN_CLIENT_UNENCRYPTED_DISABLED                                 0x803380DEU
#define ERROR_WSMAN_CLIENT_BASIC_AUTHENTICATION_DISABLED                        0x803380DFU
#define ERROR_WSMAN_CLIENT_DIGEST_AUTHENTICATION_DISABLED                       0x803380E0U
#define ERROR_WSMAN_CLIENT_NEGOTIATE_AUTHENTICATION_DISABLED                    0x803380E1U
#define ERROR_WSMAN_CLIENT_KERBEROS_AUTHENTICATION_DISABLED                     0x803380E2U
#define ERROR_WSMAN_CLIENT_CERTIFICATES_AUTHENTICATION_DISABLED                 0x803380E3U
#define ERROR_WSMAN_SERVER_NOT_TRUSTED                                          0x803380E4U
#define ERROR_WSMAN_EXPLICIT_CREDENTIALS_REQUIRED                               0x803380E5U
#define ERROR_WSMAN_CERT_THUMBPRINT_NOT_BLANK                                   0x803380E6U
#define ERROR_WSMAN_CERT_THUMBPRINT_BLANK                                       0x803380E7U
#define ERROR_WSMAN_CONFIG_CANNOT_SHARE_SSL_CONFIG                              0x803380E8U
#define ERROR_WSMAN_CONFIG_CERT_CN_DOES_NOT_MATCH_HOSTNAME                      0x803380E9U
#define ERROR_WSMAN_CONFIG_HOSTNAME_CHANGE_WITHOUT_CERT                         0x803380EAU
#define ERROR_WSMAN_CONFIG_THUMBPRINT_SHOULD_BE_EMPTY                           0x803380EBU
#define ERROR_WSMAN_INVALID_IPFILTER                                            0x803380ECU
#define ERROR_WSMAN_CANNOT_CHANGE_KEYS                                          0x803380EDU
#define ERROR_WSMAN_CERT_INVALID_USAGE                                          0x803380EEU
#define ERROR_WSMAN_RESPONSE_NO_RESULTS                                         0x803380EFU
#define ERROR_WSMAN_CREATE_RESPONSE_NO_EPR                                      0x803380F0U
#define ERROR_WSMAN_RESPONSE_INVALID_ENUMERATION_CONTEXT                        0x803380F1U
#define ERROR_WSMAN_RESPONSE_NO_XML_FRAGMENT_WRAPPER                            0x803380F2U
#define ERROR_WSMAN_RESPONSE_INVALID_MESSAGE_INFORMATION_HEADER                 0x803380F3U
#define ERROR_WSMAN_RESPONSE_NO_SOAP_HEADER_BODY                                0x803380F4U
#define ERROR_WSMAN_HTTP_NO_RESPONSE_DATA                                       0x803380F5U
#define ERROR_WSMAN_RESPONSE_INVALID_SOAP_FAULT                                 0x803380F6U
#define ERROR_WSMAN_HTTP_INVALID_CONTENT_TYPE_IN_RESPONSE_DATA                  0x803380F7U
#define ERROR_WSMAN_HTTP_CONTENT_TYPE_MISSMATCH_RESPONSE_DATA                   0x803380F8U
#define ERROR_WSMAN_CANNOT_DECRYPT                                              0x803380F9U
#define ERROR_WSMAN_INVALID_URI_WMI_SINGLETON                                   0x803380FAU
#define ERROR_WSMAN_INVALID_URI_WMI_ENUM_WQL                                    0x803380FBU
#define ERROR_WSMAN_NO_IDENTIFY_FOR_LOCAL_SESSION                               0x803380FCU
#define ERROR_WSMAN_NO_PUSH_SUBSCRIPTION_FOR_LOCAL_SESSION                      0x803380FDU
#define ERROR_WSMAN_INVALID_SUBSCRIPTION_MANAGER                                0x803380FEU
#define ERROR_WSMAN_NON_PULL_SUBSCRIPTION_NOT_SUPPORTED                         0x803380FFU
#define ERROR_WSMAN_WMI_MAX_NESTED                                              0x80338100U
#define ERROR_WSMAN_REMOTE_CIMPATH_NOT_SUPPORTED                                0x80338101U
#define ERROR_WSMAN_WMI_PROVIDER_NOT_CAPABLE                                    0x80338102U
#define ERROR_WSMAN_WMI_INVALID_VALUE                                           0x80338103U
#define ERROR_WSMAN_WMI_SVC_ACCESS_DENIED                                       0x80338104U
#define ERROR_WSMAN_WMI_PROVIDER_ACCESS_DENIED                                  0x80338105U
#define ERROR_WSMAN_WMI_CANNOT_CONNECT_ACCESS_DENIED                            0x80338106U
#define ERROR_WSMAN_INVALID_FILTER_XML                                          0x80338107U
#define ERROR_WSMAN_ENUMERATE_WMI_INVALID_KEY                                   0x80338108U
#define ERROR_WSMAN_INVALID_FRAGMENT_PATH_BLANK                                 0x80338109U
#define ERROR_WSMAN_INVALID_CHARACTERS_IN_RESPONSE                              0x8033810AU
#define ERROR_WSMAN_KERBEROS_IPADDRESS                                          0x8033810BU
#define ERROR_WSMAN_CLIENT_WORKGROUP_NO_KERBEROS                                0x8033810CU
#define ERROR_WSMAN_INVALID_BATCH_SETTINGS_PARAMETER                            0x8033810DU
#define ERROR_WSMAN_SERVER_DESTINATION_LOCALHOST                                0x8033810EU
#define ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED                                0x8033810FU
#define ERROR_WSMAN_UNSUPPORTED_HTTP_STATUS_REDIRECT                            0x80338110U
#define ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS                               0x80338111U
#define ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS                             0x80338112U
#define ERROR_WSMAN_HTTP_NOT_FOUND_STATUS                                       0x80338113U
#define ERROR_WSMAN_EVENTING_MISSING_LOCALE_IN_DELIVERY                         0x80338114U
#define ERROR_WSMAN_QUICK_CONFIG_FAILED_CERT_REQUIRED                           0x80338115U
#define ERROR_WSMAN_QUICK_CONFIG_FIREWALL_EXCEPTIONS_DISALLOWED                 0x80338116U
#define ERROR_WSMAN_QUICK_CONFIG_LOCAL_POLICY_CHANGE_DISALLOWED                 0x80338117U
#define ERROR_WSMAN_INVALID_SELECTOR_NAME                                       0x80338118U
#define ERROR_WSMAN_ENCODING_TYPE                                               0x80338119U
#define ERROR_WSMAN_ENDPOINT_UNAVAILABLE_INVALID_VALUE                          0x8033811AU
#define ERROR_WSMAN_INVALID_HEADER                                              0x8033811BU
#define ERROR_WSMAN_ENUMERATE_UNSUPPORTED_EXPIRATION_TYPE                       0x8033811CU
#define ERROR_WSMAN_MAX_ELEMENTS_NOT_SUPPORTED                                  0x8033811DU
#define ERROR_WSMAN_WMI_PROVIDER_INVALID_PARAMETER                              0x8033811EU
#define ERROR_WSMAN_CLIENT_MULTIPLE_ENUM_MODE_FLAGS                             0x8033811FU
#define ERROR_WINRS_CLIENT_INVALID_FLAG                                         0x80338120U
#define ERROR_WINRS_CLIENT_NULL_PARAM                                           0x80338121U
#define ERROR_WSMAN_CANNOT_PROCESS_FILTER                                       0x80338122U
#define ERROR_WSMAN_CLIENT_ENUMERATORADDEVENT_NULL_PARAM                        0x80338123U
#define ERROR_WSMAN_ADDOBJECT_MISSING_OBJECT                                    0x80338124U
#define ERROR_WSMAN_ADDOBJECT_MISSING_EPR                                       0x80338125U
#define ERROR_WSMAN_NETWORK_TIMEDOUT                                            0x80338126U
#define ERROR_WINRS_RECEIVE_IN_PROGRESS                                         0x80338127U
#define ERROR_WINRS_RECEIVE_NO_RESPONSE_DATA                                    0x80338128U
#define ERROR_WINRS_CLIENT_CREATESHELL_NULL_PARAM                               0x80338129U
#define ERROR_WINRS_CLIENT_CLOSESHELL_NULL_PARAM                                0x8033812AU
#define ERROR_WINRS_CLIENT_FREECREATESHELLRESULT_NULL_PARAM                     0x8033812BU
#define ERROR_WINRS_CLIENT_RUNCOMMAND_NULL_PARAM                                0x8033812CU
#define ERROR_WINRS_CLIENT_FREERUNCOMMANDRESULT_NULL_PARAM                      0x8033812DU
#define ERROR_WINRS_CLIENT_SIGNAL_NULL_PARAM                                    0x8033812EU
#define ERROR_WINRS_CLIENT_RECEIVE_NULL_PARAM                                   0x8033812FU
#define ERROR_WINRS_CLIENT_FREEPULLRESULT_NULL_PARAM                            0x80338130U
#define ERROR_WINRS_CLIENT_PULL_NULL_PARAM                                      0x80338131U
#define ERROR_WINRS_CLIENT_CLOSERECEIVEHANDLE_NULL_PARAM                        0x80338132U
#define ERROR_WINRS_CLIENT_SEND_NULL_PARAM                                      0x80338133U
#define ERROR_WINRS_CLIENT_PUSH_NULL_PARAM                                      0x80338134U
#define ERROR_WINRS_CLIENT_CLOSESENDHANDLE_NULL_PARAM                           0x80338135U
#define ERROR_WINRS_CLIENT_GET_NULL_PARAM                                       0x80338136U
#define ERROR_WSMAN_POLYMORPHISM_MODE_UNSUPPORTED                               0x80338137U
#define ERROR_WSMAN_REQUEST_NOT_SUPPORTED_AT_SERVICE                            0x80338138U
#define ERROR_WSMAN_URI_NON_DMTF_CLASS                                          0x80338139U
#define ERROR_WSMAN_URI_WRONG_DMTF_VERSION                                      0x8033813AU
#define ERROR_WSMAN_DIFFERENT_CIM_SELECTOR                                      0x8033813BU
#define ERROR_WSMAN_PUSHSUBSCRIPTION_INVALIDUSERACCOUNT                         0x8033813CU
#define ERROR_WSMAN_EVENTING_NONDOMAINJOINED_PUBLISHER                          0x8033813DU
#define ERROR_WSMAN_EVENTING_NONDOMAINJOINED_COLLECTOR                          0x8033813EU
#define ERROR_WSMAN_CONFIG_READONLY_PROPERTY                                    0x8033813FU
#define ERROR_WINRS_CODE_PAGE_NOT_SUPPORTED                                     0x80338140U
#define ERROR_WSMAN_CLIENT_DISABLE_LOOPBACK_WITH_EXPLICIT_CREDENTIALS           0x80338141U
#define ERROR_WSMAN_CLIENT_INVALID_DISABLE_LOOPBACK                             0x80338142U
#define ERROR_WSMAN_CLIENT_ENUM_RECEIVED_TOO_MANY_ITEMS                         0x80338143U
#define ERROR_WSMAN_MULTIPLE_CREDENTIALS                                        0x80338144U
#define ERROR_WSMAN_AUTHENTICATION_INVALID_FLAG                                 0x80338145U
#define ERROR_WSMAN_CLIENT_CREDENTIALS_FOR_DEFAULT_AUTHENTICATION               0x80338146U
#define ERROR_WSMAN_CLIENT_USERNAME_AND_PASSWORD_NEEDED                         0x80338147U
#define ERROR_WSMAN_CLIENT_INVALID_CERT_DNS_OR_UPN                              0x80338148U
#define ERROR_WSMAN_CREATESHELL_NULL_ENVIRONMENT_VARIABLE_NAME                  0x80338149U
#define ERROR_WSMAN_SHELL_ALREADY_CLOSED                                        0x8033814AU
#define ERROR_WSMAN_CREATESHELL_NULL_STREAMID                                   0x8033814BU
#define ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE                                  0x8033814CU
#define ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE                                0x8033814DU
#define ERROR_WSMAN_RUNSHELLCOMMAND_NULL_ARGUMENT                               0x8033814EU
#define ERROR_WSMAN_COMMAND_ALREADY_CLOSED                                      0x8033814FU
#define ERROR_WSMAN_SENDSHELLINPUT_INVALID_STREAMID_INDEX                       0x80338150U
#define ERROR_WSMAN_SHELL_SYNCHRONOUS_NOT_SUPPORTED                             0x80338151U
#define ERROR_WSMAN_NO_CERTMAPPING_OPERATION_FOR_LOCAL_SESSION                  0x80338152U
#define ERROR_WSMAN_CERTMAPPING_CONFIGLIMIT_EXCEEDED                            0x80338153U
#define ERROR_WSMAN_CERTMAPPING_INVALIDUSERCREDENTIALS                          0x80338154U
#define ERROR_WSMAN_CERT_INVALID_USAGE_CLIENT                                   0x80338155U
#define ERROR_WSMAN_CERT_MISSING_AUTH_FLAG                                      0x80338156U
#define ERROR_WSMAN_CERT_MULTIPLE_CREDENTIALS_FLAG                              0x80338157U
#define ERROR_WSMAN_CONFIG_SHELL_URI_INVALID                                    0x80338158U
#define ERROR_WSMAN_CONFIG_SHELL_URI_CMDSHELLURI_NOTPERMITTED                   0x80338159U
#define ERROR_WSMAN_CONFIG_SHELLURI_INVALID_PROCESSPATH                         0x8033815AU
#define ERROR_WINRS_SHELL_URI_INVALID                                           0x8033815BU
#define ERROR_WSMAN_INVALID_SECURITY_DESCRIPTOR                                 0x8033815CU
#define ERROR_WSMAN_POLICY_TOO_COMPLEX                                          0x8033815DU
#define ERROR_WSMAN_POLICY_CANNOT_COMPLY                                        0x8033815EU
#define ERROR_WSMAN_INVALID_CONNECTIONRETRY                                     0x8033815FU
#define ERROR_WSMAN_URISECURITY_INVALIDURIKEY                                   0x80338160U
#define ERROR_WSMAN_CERTMAPPING_INVALIDSUBJECTKEY                               0x80338161U
#define ERROR_WSMAN_CERTMAPPING_INVALIDISSUERKEY                                0x80338162U
#define ERROR_WSMAN_INVALID_PUBLISHERS_TYPE                                     0x80338163U
#define ERROR_WSMAN_CLIENT_INVALID_DELIVERY_RETRY                               0x80338164U
#define ERROR_WSMAN_CLIENT_NULL_PUBLISHERS                                      0x80338165U
#define ERROR_WSMAN_CLIENT_NULL_ISSUERS                                         0x80338166U
#define ERROR_WSMAN_CLIENT_NO_SOURCES                                           0x80338167U
#define ERROR_WSMAN_INVALID_SUBSCRIBE_OBJECT                                    0x80338168U
#define ERROR_WSMAN_PUBLIC_FIREWALL_PROFILE_ACTIVE                              0x80338169U
#define ERROR_WSMAN_CERTMAPPING_PASSWORDTOOLONG                                 0x8033816AU
#define ERROR_WSMAN_CERTMAPPING_PASSWORDBLANK                                   0x8033816BU
#define ERROR_WSMAN_CERTMAPPING_PASSWORDUSERTUPLE                               0x8033816CU
#define ERROR_WSMAN_INVALID_PROVIDER_RESPONSE                                   0x8033816DU
#define ERROR_WSMAN_SHELL_NOT_INITIALIZED                                       0x8033816EU
#define ERROR_WSMAN_CONFIG_SHELLURI_INVALID_OPERATION_ON_KEY                    0x8033816FU
#define ERROR_WSMAN_HTTP_STATUS_SERVER_ERROR                                    0x80338170U
#define ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST                                     0x80338171U
#define ERROR_WSMAN_CONFIG_CANNOT_CHANGE_CERTMAPPING_KEYS                       0x80338172U
#define ERROR_WSMAN_HTML_ERROR                                                  0x80338173U
#define ERROR_WSMAN_CLIENT_INITIALIZE_NULL_PARAM                                0x80338174U
#define ERROR_WSMAN_CLIENT_INVALID_INIT_APPLICATION_FLAG                        0x80338175U
#define ERROR_WSMAN_CLIENT_INVALID_DEINIT_APPLICATION_FLAG                      0x80338176U
#define ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM                          0x80338177U
#define ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM                       0x80338178U
#define ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM                       0x80338179U
#define ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM                               0x8033817AU
#define ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG                            0x8033817BU
#define ERROR_WSMAN_CLIENT_INVALID_CLOSE_SHELL_FLAG                             0x8033817CU
#define ERROR_WSMAN_CLIENT_INVALID_CLOSE_COMMAND_FLAG                           0x8033817DU
#define ERROR_WSMAN_CLIENT_CLOSESHELL_NULL_PARAM                                0x8033817EU
#define ERROR_WSMAN_CLIENT_CLOSECOMMAND_NULL_PARAM                              0x8033817FU
#define ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM                                0x80338180U
#define ERROR_WSMAN_CLIENT_INVALID_RUNCOMMAND_FLAG                              0x80338181U
#define ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED                              0x80338182U
#define ERROR_WSMAN_NO_COMMAND_RESPONSE                                         0x80338183U
#define ERROR_WSMAN_INVALID_OPTIONSET                                           0x80338184U
#define ERROR_WSMAN_NO_COMMANDID                                                0x80338185U
#define ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM                                    0x80338186U
#define ERROR_WSMAN_CLIENT_INVALID_SIGNAL_SHELL_FLAG                            0x80338187U
#define ERROR_WSMAN_CLIENT_SEND_NULL_PARAM                                      0x80338188U
#define ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_FLAG                              0x80338189U
#define ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_PARAMETER                         0x8033818AU
#define ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM                                  0x8033818BU
#define ERROR_WSMAN_CLIENT_RECEIVE_NULL_PARAM                                   0x8033818CU
#define ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS                               0x8033818DU
#define ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG                           0x8033818EU
#define ERROR_WSMAN_NO_RECEIVE_RESPONSE                                         0x8033818FU
#define ERROR_WSMAN_PLUGIN_CONFIGURATION_CORRUPTED                              0x80338190U
#define ERROR_WSMAN_INVALID_FILEPATH                                            0x80338191U
#define ERROR_WSMAN_FILE_NOT_PRESENT                                            0x80338192U
#define ERROR_WSMAN_IISCONFIGURATION_READ_FAILED                                0x80338193U
#define ERROR_WSMAN_CLIENT_INVALID_LOCALE                                       0x80338194U
#define ERROR_WSMAN_CLIENT_INVALID_UI_LANGUAGE                                  0x80338195U
#define ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM                           0x80338196U
#define ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE                                0x80338197U
#define ERROR_WSMAN_CLIENT_INVALID_GETERRORMESSAGE_FLAG                         0x80338198U
#define ERROR_WSMAN_REDIRECT_REQUESTED                                          0x80338199U
#define ERROR_WSMAN_PROXY_AUTHENTICATION_INVALID_FLAG                           0x8033819AU
#define ERROR_WSMAN_CLIENT_CREDENTIALS_FOR_PROXY_AUTHENTICATION                 0x8033819BU
#define ERROR_WSMAN_PROXY_ACCESS_TYPE                                           0x8033819CU
#define ERROR_WSMAN_INVALID_OPTION_NO_PROXY_SERVER                              0x8033819DU
#define ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM                    0x8033819EU
#define ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_INVALID_PARAM                 0x8033819FU
#define ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM                0x803381A0U
#define ERROR_WSMAN_CREDSSP_USERNAME_PASSWORD_NEEDED                            0x803381A1U
#define ERROR_WSMAN_CLIENT_CREDSSP_AUTHENTICATION_DISABLED                      0x803381A2U
#define ERROR_WSMAN_CLIENT_ALLOWFRESHCREDENTIALS                                0x803381A3U
#define ERROR_WSMAN_CLIENT_ALLOWFRESHCREDENTIALS_NTLMONLY                       0x803381A4U
#define ERROR_WSMAN_QUOTA_MAX_SHELLS                                            0x803381A5U
#define ERROR_WSMAN_QUOTA_MAX_OPERATIONS                                        0x803381A6U
#define ERROR_WSMAN_QUOTA_USER                                                  0x803381A7U
#define ERROR_WSMAN_QUOTA_SYSTEM                                                0x803381A8U
#define ERROR_WSMAN_DIFFERENT_AUTHZ_TOKEN                                       0x803381A9U
#define ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE                             0x803381AAU
#define ERROR_WSMAN_QUOTA_MAX_SHELLUSERS                                        0x803381ABU
#define ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED                                    0x803381ACU
#define ERROR_WSMAN_PULL_PARAMS_NOT_SAME_AS_ENUM                                0x803381ADU
#define ERROR_WSMAN_DEPRECATED_CONFIG_SETTING                                   0x803381AEU
#define ERROR_WSMAN_URI_SECURITY_URI                                            0x803381AFU
#define ERROR_WSMAN_CANNOT_USE_ALLOW_NEGOTIATE_IMPLICIT_CREDENTIALS_FOR_HTTP    0x803381B0U
#define ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_HTTP                          0x803381B1U
#define ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_KERBEROS                      0x803381B2U
#define ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_CREDSSP                       0x803381B3U
#define ERROR_WSMAN_CLIENT_MULTIPLE_PROXY_AUTH_FLAGS                            0x803381B4U
#define ERROR_WSMAN_INVALID_REDIRECT_ERROR                                      0x803381B5U
#define ERROR_REDIRECT_LOCATION_TOO_LONG                                        0x803381B6U
#define ERROR_REDIRECT_LOCATION_INVALID                                         0x803381B7U
#define ERROR_SERVICE_CBT_HARDENING_INVALID                                     0x803381B8U
#define ERROR_WSMAN_NAME_NOT_RESOLVED                                           0x803381B9U
#define ERROR_WSMAN_SSL_CONNECTION_ABORTED                                      0x803381BAU
#define ERROR_WSMAN_DEFAULTAUTH_IPADDRESS                                       0x803381BBU
#define ERROR_WSMAN_CUSTOMREMOTESHELL_DEPRECATED                                0x803381BCU
#define ERROR_WSMAN_FEATURE_DEPRECATED                                          0x803381BDU
#define ERROR_WSMAN_INVALID_USESSL_PARAM                                        0x803381BEU
#define ERROR_WSMAN_INVALID_CONFIGSDDL_URL                                      0x803381BFU
#define ERROR_WSMAN_ENUMERATE_SHELLCOMAMNDS_FILTER_EXPECTED                     0x803381C0U
#define ERROR_WSMAN_ENUMERATE_SHELLCOMMANDS_EPRS_NOTSUPPORTED                   0x803381C1U
#define ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID                             0x803381C2U
#define ERROR_WSMAN_RUNAS_INVALIDUSERCREDENTIALS                                0x803381C3U
#define ERROR_WINRS_SHELL_DISCONNECTED                                          0x803381C4U
#define ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED                              0x803381C5U
#define ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH                              0x803381C6U
#define ERROR_WSMAN_CLIENT_DISCONNECTSHELL_NULL_PARAM                           0x803381C7U
#define ERROR_WSMAN_CLIENT_RECONNECTSHELL_NULL_PARAM                            0x803381C8U
#define ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM                              0x803381C9U
#define ERROR_WSMAN_CLIENT_CONNECTCOMMAND_NULL_PARAM                            0x803381CAU
#define ERROR_WINRS_CONNECT_RESPONSE_BAD_BODY                                   0x803381CBU
#define ERROR_WSMAN_COMMAND_TERMINATED                                          0x803381CCU
#define ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT                         0x803381CDU
#define ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL                     0x803381CEU
#define ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID                        0x803381CFU
#define ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID                         0x803381D0U
#define ERROR_WSMAN_CONFIG_GROUP_POLICY_CHANGE_NOTIFICATION_SUBSCRIPTION_FAILED 0x803381D1U
#define ERROR_WSMAN_CLIENT_RECONNECTSHELLCOMMAND_NULL_PARAM                     0x803381D2U
#define ERROR_WINRS_SHELLCOMMAND_RECONNECT_OPERATION_NOT_VALID                  0x803381D3U
#define ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID                             0x803381D4U
#define ERROR_WINRS_SHELL_CLIENTID_NOT_VALID                                    0x803381D5U
#define ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT                     0x803381D6U
#define ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT                            0x803381D7U
#define ERROR_WINRS_SHELLCOMMAND_DISCONNECT_OPERATION_NOT_VALID                 0x803381D8U
#define ERROR_WSMAN_SUBSCRIBE_WMI_INVALID_KEY                                   0x803381D9U
#define ERROR_WSMAN_CLIENT_INVALID_DISCONNECT_SHELL_FLAG                        0x803381DAU
#define ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR                           0x803381DBU
#define ERROR_WSMAN_SEMANTICCALLBACK_TIMEDOUT                                   0x803381DCU
#define ERROR_WSMAN_SERVICE_REMOTE_ACCESS_DISABLED                              0x803381DDU
#define ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED                                 0x803381DEU
#define ERROR_WSMAN_CREATESHELL_RUNAS_FAILED                                    0x803381DFU
#define ERROR_WSMAN_INVALID_XML_RUNAS_DISABLED                                  0x803381E0U
#define ERROR_WSMAN_WRONG_METADATA                                              0x803381E1U
#define ERROR_WSMAN_UNSUPPORTED_TYPE                                            0x803381E2U
#define ERROR_WSMAN_REMOTE_CONNECTION_NOT_ALLOWED                               0x803381E3U
#define ERROR_WSMAN_QUOTA_MAX_SHELLS_PPQ                                        0x803381E4U
#define ERROR_WSMAN_QUOTA_MAX_USERS_PPQ                                         0x803381E5U
#define ERROR_WSMAN_QUOTA_MAX_PLUGINSHELLS_PPQ                                  0x803381E6U
#define ERROR_WSMAN_QUOTA_MAX_PLUGINOPERATIONS_PPQ                              0x803381E7U
#define ERROR_WSMAN_QUOTA_MAX_OPERATIONS_USER_PPQ                               0x803381E8U
#define ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ                            0x803381E9U
#define ERROR_WSMAN_QUOTA_MIN_REQUIREMENT_NOT_AVAILABLE_PPQ                     0x803381EAU
#define ERROR_WSMAN_NEW_DESERIALIZER                                            0x803381EBU
#define ERROR_WSMAN_DESERIALIZE_CLASS                                           0x803381ECU
#define ERROR_WSMAN_GETCLASS                                                    0x803381EDU
#define ERROR_WSMAN_NEW_SESSION                                                 0x803381EEU
#define ERROR_WSMAN_NULL_KEY                                                    0x803381EFU
#define ERROR_WSMAN_MUTUAL_AUTH_FAILED                                          0x803381F0U
#define ERROR_WSMAN_UNSUPPORTED_OCTETTYPE                                       0x803381F1U
#define ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS                                     0x803381F2U
#define ERROR_WSMAN_INSUFFICIENT_METADATA_FOR_BASIC                             0x803381F3U
#define ERROR_WSMAN_INVALID_LITERAL_URI                                         0x803381F4U
#define ERROR_WSMAN_OBJECTONLY_INVALID                                          0x803381F5U
#define ERROR_WSMAN_MISSING_CLASSNAME                                           0x803381F6U
#define ERROR_WSMAN_EVENTING_INVALID_ENCODING_IN_DELIVERY                       0x803381F7U
#define ERROR_WSMAN_DESTINATION_INVALID                                         0x803381F8U
#define ERROR_WSMAN_UNSUPPORTED_FEATURE_IDENTIFY                                0x803381F9U
#define ERROR_WSMAN_CLIENT_SESSION_UNUSABLE                                     0x803381FAU
#define ERROR_WSMAN_VIRTUALACCOUNT_NOTSUPPORTED                                 0x803381FBU
#define ERROR_WSMAN_VIRTUALACCOUNT_NOTSUPPORTED_DOWNLEVEL                       0x803381FCU
#define ERROR_WSMAN_RUNASUSER_MANAGEDACCOUNT_LOGON_FAILED                       0x803381FDU
#define ERROR_WSMAN_CERTMAPPING_CREDENTIAL_MANAGEMENT_FAILIED                   0x803381FEU

#endif
