/* Included before mingw-w64's wsman.h. In its 1.1 form the type of the completion function names
 * WSMAN_RESPONSE_DATA ahead of its declaration, so it does not compile by itself
 * (seen with release 10). */
typedef union _WSMAN_RESPONSE_DATA WSMAN_RESPONSE_DATA;
